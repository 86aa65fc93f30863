import { counted, isOrAre } from '../../../src/program/counted.ts';

test.each([
  [0, '0 dead letters are'],
  [1, '1 dead letter is'],
  [1n, '1 dead letter is'],
  [2, '2 dead letters are'],
])('%s takes the singular or the plural', (count, expected) => {
  expect(`${counted(count, 'dead letter')} ${isOrAre(count)}`).toBe(expected);
});
