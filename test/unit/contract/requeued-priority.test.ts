import { requeuedPriority } from '../../../src/contract/dead-letter.ts';

test.each([
  ['a message that has never been a dead letter', {}, undefined],
  ['the same with a priority of its own', { 'dead-letter.priority': '1' }, undefined],
  ['a requeued message', { 'dead-letter.attempt': '1' }, 5],
  ['one requeued with a priority', { 'dead-letter.attempt': '2', 'dead-letter.priority': '1' }, 1],
  ['one with an invalid priority', { 'dead-letter.attempt': '1', 'dead-letter.priority': '0' }, 5],
])('%s', (_, headers, priority) => {
  expect(requeuedPriority(headers)).toBe(priority);
});
