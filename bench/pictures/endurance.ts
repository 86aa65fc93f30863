import type { EnduranceResult } from '../endurance/run-for-long.ts';
import { renderSvg } from './render-svg.ts';

const PANEL = 190;
const GAP = 60;
const TOP = 70;

/** Rate, memory, and what Temporal stores, over the time of the run. */
export function drawEndurance({ samples, orders, retentionMs }: EnduranceResult): string {
  const minutes = (seconds: number) => seconds / 60;
  const line = (
    name: string,
    panel: number,
    valueOf: (sample: (typeof samples)[number]) => number,
  ) => ({
    type: 'line' as const,
    name,
    xAxisIndex: panel,
    yAxisIndex: panel,
    showSymbol: false,
    data: samples.map((sample) => [minutes(sample.seconds), valueOf(sample)]),
  });
  const processes = Object.keys(samples[0]?.mebibytes ?? {});
  const titles = [
    'orders/s',
    'memory in MiB',
    'workflows that Temporal has',
    "Temporal's databases in MiB",
  ];
  return renderSvg(
    {
      title: {
        text: `${orders.toLocaleString('en')} orders in one go`,
        subtext: `Temporal deletes a completed workflow after ${Math.round(retentionMs / 60_000)} minutes`,
        left: 10,
        textStyle: { fontSize: 15 },
      },
      legend: { top: 10, right: 10, data: processes },
      grid: titles.map((_, panel) => ({
        left: 80,
        right: 30,
        top: TOP + GAP / 2 + panel * (PANEL + GAP),
        height: PANEL,
      })),
      xAxis: titles.map((_, panel) => ({
        type: 'value',
        gridIndex: panel,
        axisLabel: { formatter: '{value} min' },
        max: Math.ceil(minutes(samples.at(-1)?.seconds ?? 0)),
      })),
      yAxis: titles.map((name, panel) => ({
        type: 'value',
        gridIndex: panel,
        min: 0,
        name,
        nameTextStyle: { align: 'left', fontWeight: 'bold' },
      })),
      series: [
        line('orders/s', 0, ({ perSecond }) => perSecond),
        ...processes.map((name) => line(name, 1, ({ mebibytes }) => mebibytes[name] ?? 0)),
        line('workflows', 2, ({ workflows }) => workflows),
        line('databases', 3, ({ temporalMebibytes }) => temporalMebibytes),
      ],
    },
    860,
    TOP + titles.length * (PANEL + GAP) + 40,
  );
}
