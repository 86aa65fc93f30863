import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { text as readText } from 'node:stream/consumers';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Command } from 'commander';
import { correctionRequestId } from '../../contract/ids.ts';
import type { Correction, OrderMessage } from '../../contract/message.ts';
import { DEFAULT_PRIORITY, type Priority } from '../../contract/priority.ts';
import { CORRECTION_MEMO } from '../../contract/workflow-metadata.ts';
import { formatIssue, translateText } from '../../contract/order-module.ts';
import { readSettings } from '../../config/read-settings.ts';
import { READER_ROLE } from '../../config/roles.ts';
import { valueSettingMistakes } from '../../config/value-settings.ts';
import type { MessageReader } from '../../order-module/message-reader.ts';
import { openMessageReader } from '../../order-module/open-message-reader.ts';
import { checkPreferences } from '../../order-module/start-preferences.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import {
  describeOrder,
  type OrderNamespace,
  type OrderRun,
} from '../../temporal/order-workflow.ts';
import { messageOf, readRunStart } from '../../temporal/run-start.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { awaitOutcomes, outcomeOf } from './await-outcomes.ts';
import { withOrders } from './open-orders.ts';
import { startRerun, type RerunOutcome, type RerunTarget } from './rerun-orders.ts';

interface CorrectFlags {
  readonly payload: string;
  readonly reason: string;
  readonly by?: string;
  readonly dryRun?: boolean;
  readonly wait?: true;
  readonly json?: true;
}

/** `orders correct`: re-runs a failed order with a corrected message. */
export async function correct(
  orderId: string,
  { payload, reason, by = currentUser(), dryRun = false, wait, json }: CorrectFlags,
  command: Command,
): Promise<void> {
  const env = environmentOf(command);
  const reader = await openMessageReader(readSettings(READER_ROLE, env, valueSettingMistakes));
  const message = parseCorrection(reader, orderId, await readPayloadFile(payload));
  await withOrders(env, async (orders) => {
    const { client, settings } = orders;
    const workflow = await describeOrder(orders, orderId);
    if (!workflow) {
      throw new OperatorError(
        'ORDER_NOT_FOUND',
        `Temporal has no workflow for the order "${orderId}", or its retention has passed`,
        'check the ID; if the order has expired from Temporal, send the corrected order to the topic',
      );
    }
    const correction = { by, at: new Date().toISOString(), reason };
    const target = {
      client,
      workflowIdKey: orders.workflowIdKey,
      taskQueue: settings.temporal.taskQueue,
      identity: `order-ingest-correct@${hostname()}`,
    };
    const isCorrectable = dryRun
      ? workflow.status !== 'running' && workflow.status !== 'completed'
      : (await startCorrected(target, workflow, message, correction)).kind === 'started';
    if (!isCorrectable) {
      throw new OperatorError(
        'ORDER_NOT_FAILED',
        `The order "${orderId}" is running or already stored, and was not corrected`,
        'if it is running, cancel it first with `order-ingest orders cancel`; change a stored order in Postgres; if its row is missing, restore it with `order-ingest replay --completed`',
      );
    }
    const [run] =
      wait && !dryRun
        ? await untilInterrupted((signal) => awaitOutcomes(orders, [orderId], signal))
        : [];
    const outcome = run && outcomeOf(run);
    if (json) console.log(JSON.stringify({ orderId, dryRun, ...correction, outcome }));
    else if (dryRun) console.log(`${orderId}: the corrected message is a valid order`);
    else {
      console.log(
        `${orderId}: re-run with the corrected message${outcome === undefined ? '' : `; ${outcome}`}`,
      );
    }
    if (outcome !== undefined && outcome !== 'completed') process.exitCode = 1;
  });
}

/** A message that is a valid order and has the ID of the order to correct. */
export interface CorrectedMessage {
  readonly text: string;
  readonly fingerprint: string;
  /** As the order module prefers it, unlike that of a re-run: somebody waits for this order. */
  readonly priority: Priority;
}

/** What Temporal's limit of 2 MiB (`limit.blobSize.error`) leaves for the text. */
const MAX_BYTES = 1_900_000;

/** Throws an OperatorError when the message is not a valid order or is about another order. */
export function parseCorrection(
  reader: Pick<MessageReader, 'identifyJson' | 'orderModule'>,
  orderId: string,
  value: Buffer,
): CorrectedMessage {
  const read = reader.identifyJson(value, MAX_BYTES);
  if (read.kind === 'unusable') throw notValid(read.error);
  if (read.orderId !== orderId) {
    throw new OperatorError(
      'CORRECTION_INVALID',
      `The corrected message is about another order: "${read.orderId}", not "${orderId}"`,
      'keep the order ID; to add an order, send it to the topic',
    );
  }
  const translation = translateText(reader.orderModule, read.text);
  if (translation.kind === 'invalid') {
    throw notValid(translation.issues.map(formatIssue).join('; '));
  }
  const priority = checkPreferences(read.start).start?.priority ?? DEFAULT_PRIORITY;
  return { text: read.text, fingerprint: read.fingerprint, priority };
}

const notValid = (problem: string) =>
  new OperatorError(
    'CORRECTION_INVALID',
    `The corrected message is not a valid order: ${problem}`,
    'correct the message; `order-ingest orders show ID --raw` prints the current one',
  );

/**
 * Re-runs the order with the corrected message. Who corrected it, when and why is in the memo of the
 * new run and, once the order is stored, in its row.
 */
async function startCorrected(
  target: RerunTarget & Pick<OrderNamespace, 'workflowIdKey'>,
  { workflowId, runId }: OrderRun,
  { text, fingerprint, priority }: CorrectedMessage,
  correction: Correction,
): Promise<RerunOutcome> {
  const start = await readRunStart(target.client, { workflowId, runId });
  const message = messageOf(start);
  if (!message) {
    throw new OperatorError(
      'WORKFLOW_NOT_AN_ORDER',
      `The workflow ${workflowId} was not started with the message of an order`,
      'send the order to the topic instead',
    );
  }
  const corrected: OrderMessage = { ...message, text, correction };
  const changes = {
    workflowId,
    requestId: correctionRequestId(runId, fingerprint, target.workflowIdKey),
    input: { payloads: [defaultPayloadConverter.toPayload(corrected)] },
    memo: {
      fields: {
        ...start.attributes.memo?.fields,
        [CORRECTION_MEMO]: defaultPayloadConverter.toPayload({ ...correction, fingerprint }),
      },
    },
  };
  return startRerun(target, start, changes, priority);
}

async function readPayloadFile(file: string): Promise<Buffer> {
  try {
    return file === '-' ? Buffer.from(await readText(process.stdin)) : readFileSync(file);
  } catch (error) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      `The file of --payload cannot be read: ${describeError(error)}`,
      'name a file that contains the corrected JSON, or - for standard input',
      { cause: error },
    );
  }
}

const currentUser = () => `${userInfo().username}@${hostname()}`;
