import { defaultDataConverter } from '@temporalio/common';
import { hasIngested } from '../../../src/bridge/has-ingested.ts';
import { payload } from '../../../src/bridge/start-request.ts';
import { toOrderWorkflow, type OrderWorkflow } from '../../../src/temporal/order-workflow.ts';
import { identifyOrder, reader } from '../../support/built-in-order.ts';
import { orderText } from '../../support/messages.ts';

const SOURCE = { topic: 'orders', partition: 2, offset: '5' };
const FIRST = identifyOrder(orderText('a'));
const CORRECTED = orderText('a', { total_price: '1' });

/** A Temporal in which the workflow was started with the corrected text. */
const client = {
  options: { namespace: 'default', loadedDataConverter: defaultDataConverter },
  workflowService: {
    getWorkflowExecutionHistory: () =>
      Promise.resolve({
        history: {
          events: [
            {
              workflowExecutionStartedEventAttributes: {
                input: { payloads: [payload({ text: CORRECTED, source: SOURCE })] },
              },
            },
          ],
        },
      }),
  },
};

async function workflow(fingerprints: readonly string[]): Promise<OrderWorkflow> {
  const described = await toOrderWorkflow(client as never, { workflowExecutionInfo: {} }, 'order:');
  if (!described) throw new Error('there is no workflow');
  const source = { ...SOURCE, offset: Number(SOURCE.offset) };
  return { ...described, fingerprints, source };
}

const ingested = async (fingerprints: readonly string[], changes: Partial<typeof SOURCE> = {}) =>
  hasIngested(
    { client: client as never, reader, call: (work) => work() },
    await workflow(fingerprints),
    {
      ...FIRST,
      source: { ...SOURCE, ...changes },
    },
  );

const OLDER = ['0:first', '0:corrected'];

test('a corrected workflow of an older form has ingested the message at its position', async () => {
  expect(await ingested(OLDER)).toBe(true);
  // It was corrected with the newer version.
  expect(await ingested(['0:first', identifyOrder(CORRECTED).fingerprint])).toBe(true);
});

test('a corrected workflow of an older form has not ingested other content from another position', async () => {
  expect(await ingested(OLDER, { offset: '6' })).toBe(false);
  expect(await ingested(OLDER, { partition: 3 })).toBe(false);
  expect(await ingested(OLDER, { topic: 'recreated' })).toBe(false);
});

test('the position says nothing where the content can be compared', async () => {
  // The fingerprints are of the same form.
  const form = FIRST.fingerprint.slice(0, FIRST.fingerprint.indexOf(':') + 1);
  expect(await ingested([`${form}first`, `${form}corrected`])).toBe(false);
  // The text is that of the message, because it was not corrected.
  expect(await ingested(['0:first'])).toBe(false);
});
