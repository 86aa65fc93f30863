import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { VERSION } from '../../src/program/version.ts';
import { openCodec } from '../../src/temporal/open-codec.ts';
import { createInMemoryOrderStore } from '../support/in-memory-order-store.ts';
import { orderMessage, orderText } from '../support/messages.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { connectTestTemporal } from '../support/temporal.ts';
import {
  HISTORY_CODEC,
  HISTORY_FILES,
  historyIn,
  isEncryptedHistory,
} from '../support/recorded-histories.ts';
import { quietTemporalRuntime, withWorker, WORKFLOW_BUNDLE } from '../support/test-worker.ts';
import { bundleChange, type WorkflowChange } from '../upgrade/harness/builds.ts';

/** What every version has to record. */
const OUTCOMES = [
  ...['stored', 'already-stored', 'invalid', 'rejected', 'conflict', 'stored-after-outage'],
  ...['conflict-after-outage', 'cancelled', 'rerun', 'corrected'],
];

beforeAll(() => {
  quietTemporalRuntime();
});

/**
 * Orders may be retried for days, so a new version continues workflows that an older one has started. A
 * workflow that takes a different path through a recorded history would break them.
 */
test.each(HISTORY_FILES)('the workflow replays the recorded history %s', async (file) => {
  await expect(replay(WORKFLOW_BUNDLE, historyIn(file))).resolves.toBeUndefined();
  // The bundle of workers that encrypt: a history may be from before encryption was switched on, or after.
  await expect(replay(ENCRYPTING_BUNDLE, historyIn(file))).resolves.toBeUndefined();
});

const ENCRYPTING_BUNDLE = {
  codePath: path.join(import.meta.dirname, '../../dist/workflow-bundle-encrypted.js'),
};

/** With a codec, which every worker has. */
const replay = (workflowBundle: WorkflowBundleOption, history: unknown, codec = HISTORY_CODEC) =>
  Worker.runReplayHistory(
    { workflowBundle, dataConverter: { payloadCodecs: [codec] } },
    history,
    'order',
  );

test('an encrypted history has nothing of the order in plain text, and cannot be replayed without its key', async () => {
  const encrypted = HISTORY_FILES.filter(isEncryptedHistory);
  expect(encrypted.length).toBeGreaterThan(0);
  for (const file of encrypted) {
    const text = JSON.stringify(historyIn(file), (key, value: unknown) =>
      key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value,
    );
    expect({ file, found: /Lovelace|line_items|fingerprint":\s*"/.exec(text) }).toEqual({
      file,
      found: null,
    });
  }
  const [first = ''] = encrypted;
  await expect(replay(WORKFLOW_BUNDLE, historyIn(first), openCodec({}))).rejects.toThrow();
});

test('every released version and the current one have recorded a history of each outcome', () => {
  const file = path.join(import.meta.dirname, '../../CHANGELOG.md');
  // Before the first release there is none.
  const changelog = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const released = [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\]/gm)].map(
    ([, version]) => version,
  );
  for (const version of new Set([VERSION, ...released])) {
    for (const folder of [version, `${version}/encrypted`]) {
      expect(HISTORY_FILES).toEqual(
        expect.arrayContaining(OUTCOMES.map((outcome) => `${folder}/${outcome}.json`)),
      );
    }
  }
});

describe('a change of the workflow that adds an activity', () => {
  const bundles = new Map<WorkflowChange, { code: string }>();
  beforeAll(async () => {
    for (const change of ['patched', 'unpatched', 'prepared'] as const) {
      bundles.set(change, { code: await bundleChange(change) });
    }
  });
  const replayChanged = (change: WorkflowChange, history: unknown) =>
    replay(bundles.get(change) ?? { code: '' }, history);

  test.each(HISTORY_FILES)(
    'breaks %s without `patched`, and continues it with it',
    async (file) => {
      const history = historyIn(file);
      await expect(replayChanged('unpatched', history)).rejects.toThrow(DeterminismViolationError);
      await expect(replayChanged('patched', history)).resolves.toBeUndefined();
      await expect(replayChanged('prepared', history)).resolves.toBeUndefined();
    },
  );

  test('writes histories that the release before continues only if it was prepared', async () => {
    await (await connectTestTemporal()).connection.close();
    const env = await TestWorkflowEnvironment.createFromExistingServer({
      address: stackAddress('TEMPORAL_ADDRESS'),
      namespace: stackAddress('TEMPORAL_NAMESPACE'),
    });
    try {
      const bundle = bundles.get('patched') ?? { code: '' };
      const history = await withWorker(
        env,
        createInMemoryOrderStore(),
        async (start) => {
          const handle = await start(orderMessage(orderText(uniqueName('A'))));
          await handle.result();
          return handle.fetchHistory();
        },
        bundle,
      );
      await expect(replayChanged('patched', history)).resolves.toBeUndefined();
      await expect(replayChanged('prepared', history)).resolves.toBeUndefined();
      await expect(replay(WORKFLOW_BUNDLE, history)).rejects.toThrow(DeterminismViolationError);
    } finally {
      await env.teardown();
    }
  });
});
