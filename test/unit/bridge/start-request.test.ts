import { payload, startRequest } from '../../../src/bridge/start-request.ts';
import { parseOrderId } from '../../../src/contract/order-id.ts';
import type { StartPreferences } from '../../../src/contract/order-module.ts';

function requestOf(start?: StartPreferences) {
  const orderId = parseOrderId('A-1');
  if (!orderId.ok) throw new Error(orderId.expected);
  const source = { topic: 'orders', partition: 0, offset: '17', timestamp: '0' };
  const message = { text: '{}', source };
  const target = { namespace: 'n', taskQueue: 'q', workflowIdPrefix: 'order:', identity: 'i' };
  const order = { orderId: orderId.value, fingerprint: '2:a', message, start };
  return startRequest(target, order, payload(message));
}

test('priority, fairness and start delay are in the request', () => {
  const { priority, workflowStartDelay } = requestOf({
    ...{ priority: 2, fairnessKey: 'C-7', fairnessWeight: 0.5 },
    startDelayMs: 90_250,
  });
  expect(priority).toEqual({ priorityKey: 2, fairnessKey: 'C-7', fairnessWeight: 0.5 });
  expect(Number(workflowStartDelay?.seconds)).toBe(90);
  expect(workflowStartDelay?.nanos).toBe(250_000_000);
});

test('without preferences the request has none of the fields, so that the defaults of the server apply', () => {
  for (const request of [requestOf(), requestOf({})]) {
    expect(request).not.toHaveProperty('priority');
    expect(request).not.toHaveProperty('workflowStartDelay');
  }
});

test('preferences change neither the request ID nor the memo', () => {
  const { requestId, memo } = requestOf({ priority: 5, fairnessKey: 'C-7', startDelayMs: 1 });
  expect({ requestId, memo }).toEqual({ requestId: 'orders/0/17/2:a', memo: requestOf().memo });
});
