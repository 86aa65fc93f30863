import { getEventListeners } from 'node:events';
import { untilClosed } from '../../../src/temporal/open-workflows.ts';

const RUN = { workflowId: 'order:A-1', runId: 'run' };

/** A client whose long polls end without an event; like the real one, it never removes its listener from a signal. */
function createClient(onPoll: (signal: AbortSignal, poll: number) => boolean) {
  let signal = new AbortController().signal;
  let polls = 0;
  const client = {
    options: { namespace: 'default' },
    connection: {
      withAbortSignal: (callSignal: AbortSignal, call: () => Promise<unknown>) => {
        signal = callSignal;
        signal.addEventListener('abort', () => undefined);
        return call();
      },
    },
    workflowService: {
      getWorkflowExecutionHistory: () => {
        polls += 1;
        signal.throwIfAborted();
        const events = onPoll(signal, polls) ? [{}] : [];
        return Promise.resolve({ history: { events }, nextPageToken: new Uint8Array([polls]) });
      },
    },
  };
  return { client: client as never, polls: () => polls };
}

test('an order that stays open for days adds nothing to the signal with each long poll', async () => {
  const watching = new AbortController();
  const listeners: number[] = [];
  const { client, polls } = createClient((_signal, poll) => {
    listeners.push(getEventListeners(watching.signal, 'abort').length);
    return poll === 100;
  });
  await untilClosed(client, RUN, watching.signal);
  expect(polls()).toBe(100);
  expect(Math.max(...listeners)).toBe(1);
  expect(getEventListeners(watching.signal, 'abort')).toHaveLength(0);
});

test('a long poll in progress is aborted with the watch', async () => {
  const watching = new AbortController();
  const { client } = createClient((signal) => {
    watching.abort(new Error('no longer watched'));
    expect(signal.aborted).toBe(true);
    return false;
  });
  await expect(untilClosed(client, RUN, watching.signal)).rejects.toThrow('no longer watched');
});
