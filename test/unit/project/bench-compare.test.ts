import {
  compare,
  judge,
  measureInTurn,
  medianInterval,
  spreadOf,
} from '../../../bench/harness/compare.ts';

test('the median of an even number of values is the mean of the middle two', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1, high: 4 });
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
});

test.each([
  [{ low: 0.95, high: 1 }, { atLeast: 0.95 }, 'reached'],
  [{ low: 0.8, high: 0.94 }, { atLeast: 0.95 }, 'missed'],
  [{ low: 0.9, high: 1 }, { atLeast: 0.95 }, 'inconclusive'],
  [{ low: 1, high: 1.2 }, { atMost: 1.2 }, 'reached'],
  [{ low: 1.3, high: 1.4 }, { atMost: 1.2 }, 'missed'],
  [{ low: 1.1, high: 1.3 }, { atMost: 1.2 }, 'inconclusive'],
] as const)('the range %j against the goal %j is %s', (range, goal, verdict) => {
  expect(judge(range, goal)).toBe(verdict);
});

// Conover, Practical Nonparametric Statistics, table A3: the binomial distribution with p = 0.5.
test.each([
  [3, 1, 3],
  [8, 1, 8],
  [9, 2, 8],
  [11, 2, 10],
  [12, 3, 10],
  [20, 6, 15],
])('with %i rounds, the interval of the median is from rank %i to rank %i', (count, low, high) => {
  const figures = Array.from({ length: count }, (_, index) => count - index);
  expect(medianInterval(figures)).toEqual({ low, high });
});

test('the sides alternate in going first, and the warm-up is not counted', async () => {
  const order: string[] = [];
  const side = (name: string, value: number) => ({
    name,
    measure() {
      order.push(name);
      return Promise.resolve({ value });
    },
  });
  const comparison = {
    subject: side('subject', 3),
    baseline: side('baseline', 2),
    close: () => Promise.resolve(),
  };
  const rounds = await compare(comparison, 2, () => undefined);
  expect(rounds).toEqual([
    { subject: { value: 3 }, baseline: { value: 2 } },
    { subject: { value: 3 }, baseline: { value: 2 } },
  ]);
  expect(order).toEqual([
    ...['baseline', 'subject'],
    ...['subject', 'baseline'],
    ...['baseline', 'subject'],
  ]);
});

test('with several sides, each round starts with the next one, and the warm-up is not counted', async () => {
  const order: string[] = [];
  const sides = ['a', 'b', 'c'].map((name, value) => ({
    name,
    measure() {
      order.push(name);
      return Promise.resolve({ value });
    },
  }));
  const samples = await measureInTurn(sides, 2, () => undefined);
  expect([...samples.values()]).toEqual([0, 1, 2].map((value) => [{ value }, { value }]));
  expect(order.join('')).toBe('abc' + 'bca' + 'cab');
});
