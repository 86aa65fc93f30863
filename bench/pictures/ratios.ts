import type { CustomSeriesRenderItem } from 'echarts';
import type { TemporalKind } from '../../dev/stack/service.ts';
import type { Goal, Verdict } from '../harness/compare.ts';
import type { Result } from '../harness/report.ts';
import { renderSvg } from './render-svg.ts';
import { withServer } from './titles.ts';

export type Ratio = Pick<Result, 'name' | 'outcome'> & {
  readonly goal: Goal;
  readonly verdict: Verdict;
  readonly temporal: TemporalKind;
  /** Whether the code is still the one that was measured. */
  readonly isCurrent: boolean;
};

const ROW = 26;
const COLORS: Readonly<Record<Verdict, string>> = {
  reached: '#2c7a4b',
  inconclusive: '#c9962b',
  missed: '#b4472e',
};

/** Draws each outcome relative to its goal: from 1 the goal is reached, and more is better. */
export function drawRatios(ratios: readonly Ratio[]): string {
  const rows = ratios.map((ratio) => ({ ...ratio, ...towardsGoal(ratio) })).reverse();
  const whisker: CustomSeriesRenderItem = ({ dataIndex }, api) => {
    const row = rows[dataIndex];
    if (!row) return undefined;
    const [low, middle, high] = [row.low, row.median, row.high].map(
      (value) => api.coord([value, dataIndex]) as [number, number],
    );
    if (!low || !middle || !high) return undefined;
    const fill = COLORS[row.verdict];
    return {
      type: 'group',
      children: [
        {
          type: 'line',
          shape: { x1: low[0], y1: low[1], x2: high[0], y2: high[1] },
          style: { stroke: fill, lineWidth: 3, opacity: 0.45 },
        },
        { type: 'circle', shape: { cx: middle[0], cy: middle[1], r: 5 }, style: { fill } },
      ],
    };
  };
  return renderSvg(
    {
      title: {
        text: 'Measured ratios relative to their targets',
        subtext:
          'right of the line: target reached; dot: median; bar: lowest to highest round; yellow: inconclusive; *: of an earlier version of the code',
        left: 10,
        textStyle: { fontSize: 15 },
      },
      grid: { left: 220, right: 40, top: 70, bottom: 40 },
      xAxis: { type: 'log', min: 0.25, max: 8, logBase: 2, axisLabel: { formatter: '×{value}' } },
      yAxis: {
        type: 'category',
        data: rows.map(
          ({ name, temporal, isCurrent }) =>
            `${withServer(name, temporal)}${isCurrent ? '' : ' *'}`,
        ),
        axisTick: { show: false },
      },
      series: [
        {
          type: 'custom',
          renderItem: whisker,
          data: rows.map(({ median }, index) => [median, index]),
          markLine: {
            silent: true,
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: '#333333', type: 'solid' },
            data: [{ xAxis: 1 }],
          },
        },
      ],
    },
    860,
    110 + rows.length * ROW,
  );
}

/** The ratio of the figure to its goal, or its inverse where less is better. */
function towardsGoal({ outcome, goal }: Ratio): { median: number; low: number; high: number } {
  const ratio = (figure: number) =>
    'atLeast' in goal ? figure / goal.atLeast : goal.atMost / figure;
  const [one, other] = [ratio(outcome.low), ratio(outcome.high)];
  return { median: ratio(outcome.median), low: Math.min(one, other), high: Math.max(one, other) };
}
