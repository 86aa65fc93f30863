import { jest } from '@jest/globals';
import {
  DelayedOrders,
  type DueOrders,
} from '../../../../src/bridge/flow-control/delayed-orders.ts';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const order = (workflowId: string, priority: DueOrders['priority'] = 3): DueOrders => ({
  workflow: { workflowId, runId: 'run' },
  ...{ count: 1, priority, isEager: false, fairnessKey: undefined, fairnessWeight: undefined },
});

function createDelayed() {
  const due: string[] = [];
  const delayed = new DelayedOrders(({ workflow, count, priority }) => {
    due.push(`${workflow.workflowId} ${count} ${priority}`);
  });
  return { delayed, due };
}

const HOUR_MS = 3_600_000;

test('orders are passed on once their delay has ended, and not before', () => {
  const { delayed, due } = createDelayed();
  delayed.add(order('a'), 1500);
  jest.advanceTimersByTime(1499);
  expect(due).toEqual([]);
  jest.advanceTimersByTime(1001);
  expect(due).toEqual(['a 1 3']);
  expect(jest.getTimerCount()).toBe(0);
});

test('orders that are due at about the same time are passed on together, by priority', () => {
  jest.setSystemTime(0);
  const { delayed, due } = createDelayed();
  delayed.add(order('a'), 5100);
  delayed.add(order('b'), 5200);
  delayed.add(order('c', 5), 5300);
  jest.advanceTimersByTime(6000);
  expect(due).toEqual(['b 2 3', 'c 1 5']);
});

test('the memory does not depend on how many orders wait', () => {
  const { delayed } = createDelayed();
  for (let n = 0; n < 20_000; n += 1) {
    delayed.add(order(String(n)), HOUR_MS);
    jest.advanceTimersByTime(100);
  }
  expect(jest.getTimerCount()).toBeLessThan(130);
});

test('a delay longer than the longest timer ends in time', () => {
  const { delayed, due } = createDelayed();
  delayed.add(order('a'), 40 * 24 * HOUR_MS);
  jest.advanceTimersByTime(39 * 24 * HOUR_MS);
  expect(due).toEqual([]);
  jest.advanceTimersByTime(2 * 24 * HOUR_MS);
  expect(due).toEqual(['a 1 3']);
});

test('after dispose no timer is left', () => {
  const { delayed } = createDelayed();
  delayed.add(order('a'), HOUR_MS);
  delayed.dispose();
  expect(jest.getTimerCount()).toBe(0);
});
