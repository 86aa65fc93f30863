import { jest } from '@jest/globals';
import { deferred, type Deferred } from '../../src/bridge/deferred.ts';
import { StartWindow } from '../../src/bridge/start-window.ts';

const never = new AbortController().signal;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

const settle = () => new Promise(setImmediate);

/** A window of ten over workers whose signs the test gives. */
function createWindow({ workers = true } = {}) {
  const probes: (Deferred<undefined> & { workflowId: string })[] = [];
  const there = { workers };
  const window = new StartWindow(10, {
    untilTaken: ({ workflowId }, signal) => {
      const taken = deferred<undefined>();
      signal.addEventListener('abort', () => {
        taken.reject(signal.reason);
      });
      probes.push({ ...taken, workflowId });
      return taken.promise;
    },
    areThere: () => Promise.resolve(there.workers),
  });
  let started = 0;
  const start = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      started += 1;
      window.started({ workflowId: `order:${started}`, runId: 'run' });
    }
  };
  return { window, probes, there, start };
}

test('it is full when as many orders as its size wait for a worker', () => {
  const { window, start } = createWindow();
  start(9);
  expect(window.isFull).toBe(false);
  start(1);
  expect(window.isFull).toBe(true);
});

test('an order that has been taken stands for all before it', async () => {
  const { window, probes, start } = createWindow();
  start(10);
  expect(probes.map(({ workflowId }) => workflowId)).toEqual(['order:5']);
  const opened = window.opened(never);
  probes[0]?.resolve(undefined);
  await opened;
  start(4);
  expect(window.isFull).toBe(false);
  start(1);
  expect(window.isFull).toBe(true);
});

test('it asks for one order in half a window, and for none while few are started', async () => {
  const { probes, start } = createWindow();
  start(4);
  expect(probes).toHaveLength(0);
  start(4);
  expect(probes).toHaveLength(1);
  probes[0]?.resolve(undefined);
  await settle();
  start(1);
  expect(probes).toHaveLength(1);
  start(1);
  expect(probes).toHaveLength(2);
});

test('starts under way that go past its size do not close it for good', async () => {
  const { window, probes, start } = createWindow();
  start(17);
  const opened = window.opened(never);
  probes[0]?.resolve(undefined);
  await settle();
  expect(window.isFull).toBe(true);
  expect(probes.map(({ workflowId }) => workflowId)).toEqual(['order:5', 'order:17']);
  probes[1]?.resolve(undefined);
  await opened;
});

test('nothing is held back while no worker is at work, until there are some', async () => {
  const { window, there, start } = createWindow({ workers: false });
  start(10);
  await window.opened(never);
  there.workers = true;
  start(1000);
  await settle();
  expect(window.isFull).toBe(false);
  jest.advanceTimersByTime(1000);
  start(1);
  // Nobody waits for the answer.
  expect(window.isFull).toBe(false);
  await settle();
  expect(window.isFull).toBe(true);
});

test('after ten seconds without an order taken another window goes out', async () => {
  const { window, start } = createWindow();
  start(10);
  const opened = window.opened(never);
  jest.advanceTimersByTime(9999);
  await settle();
  expect(window.isFull).toBe(true);
  jest.advanceTimersByTime(1);
  await opened;
  start(4);
  expect(window.isFull).toBe(false);
  start(1);
  expect(window.isFull).toBe(true);
});

test('a wait ends with its signal', async () => {
  const { window, start } = createWindow();
  start(10);
  const stopping = new AbortController();
  const opened = window.opened(stopping.signal);
  stopping.abort(new Error('shutting down'));
  await expect(opened).rejects.toThrow('shutting down');
});
