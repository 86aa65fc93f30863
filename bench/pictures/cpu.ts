import type { TemporalKind } from '../../dev/stack/service.ts';
import { renderSvg } from './render-svg.ts';
import { withServer } from './titles.ts';

export interface CpuBar {
  readonly name: string;
  readonly benchmark: string;
  readonly temporal: TemporalKind;
  /** Milliseconds per order, by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** The shared servers first, then the programs that are compared. */
const PROCESSES = [
  { name: 'temporal', color: '#7a8aa6' },
  { name: 'postgres', color: '#a9b6c9' },
  { name: 'kafka', color: '#d3dae4' },
  { name: 'worker', color: '#d98841' },
  { name: 'bridge', color: '#b4472e' },
  { name: 'client', color: '#e3b98f' },
];
const ROW = 34;

export function drawCpu(bars: readonly CpuBar[]): string {
  const rows = [...bars].reverse();
  return renderSvg(
    {
      title: {
        text: 'CPU time per order, in milliseconds',
        left: 10,
        textStyle: { fontSize: 15 },
      },
      legend: { top: 40, left: 10 },
      grid: { left: 300, right: 40, top: 80, bottom: 40 },
      xAxis: { type: 'value', axisLabel: { formatter: '{value} ms' } },
      yAxis: {
        type: 'category',
        data: rows.map(
          ({ name, benchmark, temporal }) => `${name}\n${withServer(benchmark, temporal)}`,
        ),
        axisTick: { show: false },
      },
      series: PROCESSES.map(({ name, color }) => ({
        type: 'bar' as const,
        name,
        stack: 'all',
        barWidth: 16,
        itemStyle: { color: color },
        data: rows.map(({ cpu }) => cpu[name] ?? 0),
      })),
    },
    860,
    110 + rows.length * ROW,
  );
}
