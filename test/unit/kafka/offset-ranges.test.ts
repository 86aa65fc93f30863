import { rangesAround, topicRanges } from '../../../src/kafka/offset-ranges.ts';

test('the range around positions is the smallest that covers them, per partition', () => {
  const ranges = rangesAround([
    { partition: 0, offset: 15n },
    { partition: 0, offset: 11n },
    { partition: 7, offset: 1n },
  ]);
  expect(ranges).toEqual(
    new Map([
      [0, { from: 11n, to: 16n }],
      [7, { from: 1n, to: 2n }],
    ]),
  );
});

describe('the ranges of a topic', () => {
  const ends = [
    { partition: 0, low: '10', high: '20' },
    { partition: 1, low: '0', high: '5' },
  ];
  const starts = [
    { partition: 0, offset: '12' },
    { partition: 1, offset: '5' },
  ];

  test('are those of the log by default', () => {
    expect(topicRanges(ends)).toEqual(
      new Map([
        [0, { from: 10n, to: 20n }],
        [1, { from: 0n, to: 5n }],
      ]),
    );
  });

  test('begin at the starts where these are later', () => {
    expect(topicRanges(ends, starts)).toEqual(
      new Map([
        [0, { from: 12n, to: 20n }],
        [1, { from: 5n, to: 5n }],
      ]),
    );
  });

  test('stay within the limits, and cover only the partitions that these name', () => {
    const within = new Map([[0, { from: 11n, to: 16n }]]);
    expect(topicRanges(ends, starts, within)).toEqual(new Map([[0, { from: 12n, to: 16n }]]));
    const later = new Map([[0, { from: 15n, to: 99n }]]);
    expect(topicRanges(ends, starts, later)).toEqual(new Map([[0, { from: 15n, to: 20n }]]));
  });
});
