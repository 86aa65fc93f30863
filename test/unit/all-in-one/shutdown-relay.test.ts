import { createShutdownRelay } from '../../../src/all-in-one/shutdown-relay.ts';

/** The signals of the process, sent by the test. */
function createSignals() {
  const listeners = new Set<(signal: string) => void>();
  return {
    listeners,
    onFirst(shutDown: (signal: string) => void) {
      listeners.add(shutDown);
      return () => listeners.delete(shutDown);
    },
  };
}

test('a part shuts down once, at a signal of the process or when it is asked to', () => {
  const signals = createSignals();
  const relay = createShutdownRelay(signals);
  const reasons: string[] = [];
  relay.signals.onFirst((reason) => reasons.push(reason));
  for (const listener of signals.listeners) listener('SIGTERM');
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

test('a part that no longer listens is not asked', () => {
  const signals = createSignals();
  const relay = createShutdownRelay(signals);
  const reasons: string[] = [];
  const stop = relay.signals.onFirst((reason) => reasons.push(reason));
  stop();
  relay.send('the worker has failed');
  expect(signals.listeners.size).toBe(0);
  expect(reasons).toEqual([]);
});
