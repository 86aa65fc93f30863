import type { RivalResult } from '../rivals/result.ts';
import { renderSvg } from './render-svg.ts';

const ROW = 40;

export function drawRivals(rivals: readonly RivalResult[]): string {
  const rows = [...rivals].reverse();
  return renderSvg(
    {
      title: {
        text: 'Orders per second from a full topic to rows',
        subtext: 'logarithmic scale; the tables show what each system does with failures',
        left: 10,
        textStyle: { fontSize: 15 },
      },
      grid: { left: 250, right: 90, top: 70, bottom: 40 },
      xAxis: { type: 'log', min: 10, axisLabel: { formatter: '{value}/s' } },
      yAxis: { type: 'category', data: rows.map(({ name }) => name), axisTick: { show: false } },
      series: [
        {
          type: 'bar',
          barWidth: 18,
          data: rows.map(({ name, rate }) => ({
            value: Math.round(rate.median),
            itemStyle: { color: name.startsWith('order-ingest') ? '#b4472e' : '#7a8aa6' },
          })),
          label: {
            show: true,
            position: 'right',
            formatter: ({ value }) => `${Number(value).toLocaleString('en')}/s`,
          },
        },
      ],
    },
    860,
    120 + rows.length * ROW,
  );
}
