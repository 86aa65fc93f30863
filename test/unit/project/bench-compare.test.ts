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
  [[0.95, 0.97, 1], { atLeast: 0.95 }, 'reached'],
  [[0.8, 0.9, 0.94], { atLeast: 0.95 }, 'missed'],
  [[0.9, 0.97, 1], { atLeast: 0.95 }, 'inconclusive'],
  [[1, 1.1, 1.2], { atMost: 1.2 }, 'reached'],
  [[1.3, 1.35, 1.4], { atMost: 1.2 }, 'missed'],
  [[1.1, 1.2, 1.3], { atMost: 1.2 }, 'inconclusive'],
  [[1, 1], { atMost: 1.2 }, 'inconclusive'],
] as const)('the rounds %j against the goal %j are %s', (rounds, goal, verdict) => {
  expect(judge(rounds, goal)).toBe(verdict);
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
