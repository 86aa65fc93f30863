import { createShutdownRelay } from '../../../src/all-in-one/shutdown-relay.ts';

test('a part is asked to shut down once', () => {
  const relay = createShutdownRelay();
  const reasons: string[] = [];
  relay.signals.onFirst((reason) => reasons.push(reason));
  relay.send('SIGTERM');
  relay.send('the worker has failed');
  expect(reasons).toEqual(['SIGTERM']);
});

test('a part that was asked to shut down while it was starting does so when it listens', () => {
  const relay = createShutdownRelay();
  relay.send('the bridge has stopped');
  const reasons: string[] = [];
  relay.signals.onFirst((reason) => reasons.push(reason));
  expect(reasons).toEqual(['the bridge has stopped']);
});

test('a part is not asked before it listens, or when it no longer does', () => {
  const relay = createShutdownRelay();
  expect(relay.isHeard()).toBe(false);
  const reasons: string[] = [];
  const stop = relay.signals.onFirst((reason) => reasons.push(reason));
  expect(relay.isHeard()).toBe(true);
  stop();
  expect(relay.isHeard()).toBe(false);
  relay.send('the worker has failed');
  expect(reasons).toEqual([]);
});
