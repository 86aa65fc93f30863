import {
  pendingAsJson,
  runAsJson,
  workflowAndRowText,
} from '../../../../src/operate/orders/order-text.ts';
import type { OrderWorkflow } from '../../../../src/temporal/order-workflow.ts';

const workflow: OrderWorkflow = {
  orderId: 'A-1',
  workflowId: 'order:A-1',
  runId: 'run',
  status: 'running',
  failureType: undefined,
  failure: undefined,
  source: { topic: 'orders', partition: 3, offset: 17 },
  startedAt: 0,
  closedAt: undefined,
  delayedUntil: 60_000,
  priority: 5,
  fairnessKey: 'C-7',
  fingerprints: ['2:a'],
  replay: undefined,
  pending: [],
};

test('the JSON of a run has the documented keys only, with times in ISO 8601', () => {
  expect(runAsJson(workflow)).toStrictEqual({
    orderId: 'A-1',
    workflowId: 'order:A-1',
    runId: 'run',
    status: 'running',
    failureType: undefined,
    failure: undefined,
    source: { topic: 'orders', partition: 3, offset: 17 },
    startedAt: '1970-01-01T00:00:00.000Z',
    closedAt: undefined,
    delayedUntil: '1970-01-01T00:01:00.000Z',
  });
});

test('the JSON of a pending activity has the documented keys only', () => {
  const pending = { id: '2', activity: 'storeOrder', attempt: 6, lastFailure: 'down' };
  expect(pendingAsJson({ ...pending, nextAttemptAt: 1000 })).toStrictEqual({
    activity: 'storeOrder',
    attempt: 6,
    lastFailure: 'down',
    nextAttemptAt: '1970-01-01T00:00:01.000Z',
  });
});

test('the text has no blank line after a message that ends with a line break', () => {
  const message = {
    text: '{"order_id":"A-1"}\n',
    source: { topic: 'orders', partition: 3, offset: '17', timestamp: '0' },
    correction: { by: 'ada', at: '2026-11-24T09:30:00.000Z', reason: 'typo' },
  };
  const text = workflowAndRowText('A-1', {
    temporal: {
      ok: true,
      value: { link: undefined, workflow: { ...workflow, runs: [workflow], message } },
    },
    stored: { ok: true, value: undefined },
  });
  expect(text).toContain('typo\n  {"order_id":"A-1"}\n\nIn Postgres');
});
