import { init, type EChartsOption } from 'echarts';

/** Renders a chart with a white background, so that it is legible on light and on dark pages. */
export function renderSvg(option: EChartsOption, width: number, height: number): string {
  const chart = init(undefined, undefined, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // The prefix of its IDs and classes counts the charts of the process.
  return `${svg.replaceAll(/\bzr\d+-/g, 'chart-')}\n`;
}
