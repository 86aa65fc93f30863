/** The value of a series, named with its labels, in Prometheus's text format; NaN if it is absent. */
export const metricValue = (metrics: string, series: string): number => {
  const line = metrics.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
};
