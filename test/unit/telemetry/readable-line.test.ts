import { readableLine } from '../../../src/telemetry/readable-line.ts';

const line = (fields: object) =>
  JSON.stringify({
    ...{ level: 30, time: '2026-11-28T01:02:03.456Z', service: 'bridge', pid: 1 },
    ...{ event: 'order_loaded', msg: 'done', ...fields },
  });

test('a line has the time, the level, the event and its message, then its fields', () => {
  expect(readableLine(line({ topic: 'orders', offsets: { from: 1 } }), false)).toBe(
    [
      '[01:02:03.456] INFO: order_loaded: done',
      '    event: "order_loaded"',
      '    topic: "orders"',
      '    offsets: {',
      '      "from": 1',
      '    }',
      '',
    ].join('\n'),
  );
});

test('colors are used only where they are wanted', () => {
  expect(readableLine(line({ level: 50 }), true)).toContain('\x1b[31mERROR\x1b[0m');
  expect(readableLine(line({ level: 50 }), false)).not.toContain('\x1b');
});

test('what is logged cannot control the terminal', () => {
  const text = readableLine(line({ msg: '\x1b[2J\x9b1m\r', error: '\x1b]0;title\x07\x9d' }), false);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(text).toContain('\\u001b[2J');
});
