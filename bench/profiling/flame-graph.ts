import type { CustomSeriesRenderItem } from 'echarts';
import { renderSvg } from '../pictures/render-svg.ts';
import type { Frame } from './frame.ts';

const WIDTH = 1400;
const ROW = 17;
const TITLE = 40;
const MARGIN = 10;
/** Frames that are narrower, in pixels, or deeper are left out. */
const NARROWEST = 2;
const DEEPEST = 60;

interface Box {
  readonly name: string;
  readonly depth: number;
  /** As a fraction of the whole width, 0 to 1. */
  readonly begin: number;
  readonly share: number;
}

/** Draws callers above callees; the width of a frame is its CPU time. */
export function drawFlameGraph(root: Frame, subtitle: string): string {
  const boxes = layOut(root);
  const depth = Math.max(...boxes.map((box) => box.depth)) + 1;
  const drawWidth = WIDTH - 2 * MARGIN;
  const renderItem: CustomSeriesRenderItem = ({ dataIndex }) => {
    const box = boxes[dataIndex];
    if (!box) return undefined;
    const shape = {
      x: MARGIN + box.begin * drawWidth,
      y: TITLE + box.depth * ROW,
      width: box.share * drawWidth,
      height: ROW,
    };
    return {
      type: 'rect',
      shape,
      style: { fill: colorOf(box.name), stroke: '#ffffff', lineWidth: 0.5 },
      textContent: {
        type: 'text',
        style: {
          text: shape.width > 24 ? `${box.name}  ${(box.share * 100).toFixed(1)}%` : '',
          width: shape.width - 6,
          overflow: 'truncate',
          ellipsis: '…',
          fontSize: 11,
          fill: '#222222',
        },
      },
      textConfig: { position: 'insideLeft' },
    };
  };
  return renderSvg(
    {
      title: {
        text: root.name,
        subtext: subtitle,
        left: MARGIN,
        top: 0,
        itemGap: 2,
        textStyle: { fontSize: 14 },
      },
      xAxis: { show: false, min: 0, max: 1 },
      yAxis: { show: false, min: 0, max: 1 },
      series: [
        { type: 'custom', renderItem, data: boxes.map(({ begin }) => [begin, 0]), clip: false },
      ],
    },
    WIDTH,
    TITLE + depth * ROW + MARGIN,
  );
}

function layOut(root: Frame): readonly Box[] {
  const boxes: Box[] = [];
  const visit = (frame: Frame, depth: number, begin: number) => {
    const share = frame.total / root.total;
    if (share * WIDTH < NARROWEST || depth > DEEPEST) return;
    boxes.push({ name: frame.name, depth, begin, share });
    let at = begin;
    for (const child of [...frame.children.values()].sort((a, b) => b.total - a.total)) {
      visit(child, depth + 1, at);
      at += child.total / root.total;
    }
  };
  visit(root, 0, 0);
  return boxes;
}

const COLORS = ['#f6c28b', '#f2a97e', '#f7d794', '#e8b4a0', '#f3d1a2', '#eec07b'];

/** The same color for all frames of one package or file. */
function colorOf(name: string): string {
  const place = name.includes(' · ') ? name.replace(/^.* · /, '') : name.replace(/\..*$/, '');
  const sum = Buffer.from(place).reduce((total, byte) => total + byte, 0);
  return COLORS[sum % COLORS.length] ?? '#f6c28b';
}
