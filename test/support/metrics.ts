/** The value of one series in Prometheus's text format, named with its labels; NaN when it is not there. */
export const metricValue = (metrics: string, series: string): number => {
  const line = metrics.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
};
