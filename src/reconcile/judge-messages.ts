import type { Client } from '@temporalio/client';
import pMap from 'p-map';
import type { Pool } from 'pg';
import { workflowId } from '../contract/ids.ts';
import { isFingerprintOf, isFirstForm } from '../contract/fingerprint.ts';
import { translateMessage } from '../contract/translate-message.ts';
import { readMessage, type ReadMessage } from '../contract/read-message.ts';
import type { DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';
import type { ConsumedMessage } from '../kafka/partition-batch.ts';
import { findStoredOrder, type ComparedOrderRow } from '../storage/find-stored-order.ts';
import { findStoredOrders, type IdentifiedOrderRow } from '../storage/find-stored-orders.ts';
import { findOrderWorkflow, type OrderWorkflow } from '../temporal/find-order-workflow.ts';
import { callPatiently } from '../temporal/call-patiently.ts';
import { hasSameContent } from '../temporal/same-content.ts';
import type { MissingMessage, Outcome } from './outcome.ts';

/** A message's outcome, with the reason when it is missing. */
export type Verdict =
  | { readonly outcome: Exclude<Outcome, 'missing'> }
  | { readonly outcome: 'missing'; readonly missing: MissingMessage };

export interface JudgeOptions {
  readonly topic: string;
  readonly pool: Pick<Pool, 'query'>;
  readonly client: Client;
  readonly workflowIdPrefix: string;
  readonly deadLetters: DeadLetterIndex;
  readonly maxInputBytes: number;
  /** The group's committed offset of each partition: what comes after it is still to be read. */
  readonly committed: ReadonlyMap<number, bigint>;
}

const TEMPORAL_CALLS_AT_ONCE = 16;

interface Candidate {
  readonly partition: number;
  readonly offset: string;
  readonly read: ReadMessage;
}

type OrderCandidate = Candidate & { readonly read: Extract<ReadMessage, { kind: 'order' }> };

/**
 * Finds out what has become of messages of one partition: Postgres is asked once for all of them, and
 * Temporal for those alone that Postgres and the dead letters do not account for.
 */
export async function judgeMessages(
  options: JudgeOptions,
  partition: number,
  messages: readonly ConsumedMessage[],
): Promise<readonly Verdict[]> {
  const candidates = messages.map(({ offset, value }) => ({
    partition,
    offset,
    read: readMessage(value, options.maxInputBytes),
  }));
  const rows = await storedRows(options, candidates);
  return pMap(
    candidates,
    async (candidate) =>
      judgeByRow(options, candidate, rows) ??
      (await judgeByValues(options, candidate, rows)) ??
      (await judgeByTemporal(options, candidate)),
    { concurrency: TEMPORAL_CALLS_AT_ONCE },
  );
}

async function storedRows(
  { pool }: JudgeOptions,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, IdentifiedOrderRow>> {
  const ids = candidates.flatMap(({ read }) => (read.kind === 'order' ? [read.orderId] : []));
  if (ids.length === 0) return new Map();
  const { rows } = await pool.query<IdentifiedOrderRow>(findStoredOrders([...new Set(ids)]));
  return new Map(rows.map((row) => [row.order_id, row]));
}

/** By what Postgres and the dead letters say; undefined when that is not enough. */
function judgeByRow(
  { topic, deadLetters }: JudgeOptions,
  candidate: Candidate,
  rows: ReadonlyMap<string, IdentifiedOrderRow>,
): Verdict | undefined {
  const { partition, offset, read } = candidate;
  const row = read.kind === 'order' ? rows.get(read.orderId) : undefined;
  if (row && isFrom(candidate, topic, row)) return { outcome: 'stored' };
  if (deadLetters.has(partition, BigInt(offset))) return { outcome: 'dead-lettered' };
  if (row && read.kind === 'order' && isFingerprintOf(row.fingerprint, read)) {
    return { outcome: 'duplicate' };
  }
  return undefined;
}

/** For a row of an older version: its fingerprint can differ although the order is the same. */
async function judgeByValues(
  { pool }: JudgeOptions,
  { read }: Candidate,
  rows: ReadonlyMap<string, IdentifiedOrderRow>,
): Promise<Verdict | undefined> {
  const row = read.kind === 'order' ? rows.get(read.orderId) : undefined;
  if (read.kind !== 'order' || !row || !isFirstForm(row.fingerprint)) return undefined;
  const translation = translateMessage(read.text);
  if (translation.kind !== 'translated') return undefined;
  const compared = await pool.query<ComparedOrderRow>(findStoredOrder(translation.order));
  return compared.rows[0]?.has_same_values ? { outcome: 'duplicate' } : undefined;
}

const isFrom = ({ partition, offset }: Candidate, topic: string, row: IdentifiedOrderRow) =>
  row.source_topic === topic && row.source_partition === partition && row.source_offset === offset;

async function judgeByTemporal(options: JudgeOptions, candidate: Candidate): Promise<Verdict> {
  const { read, partition, offset } = candidate;
  if (BigInt(offset) >= (options.committed.get(partition) ?? 0n)) return { outcome: 'in-progress' };
  if (read.kind === 'unusable') return missing(candidate, `no dead letter, though ${read.error}`);
  const order: OrderCandidate = { ...candidate, read };
  const id = workflowId(options.workflowIdPrefix, read.orderId);
  const { client } = options;
  const workflow = await findOrderWorkflow(client, id);
  const isSame =
    workflow === undefined ||
    workflow.fingerprints.length === 0 ||
    (await hasSameContent(client, id, workflow.fingerprints, read, (call) =>
      callPatiently(client, call),
    ));
  const byWorkflow = isSame
    ? judgeByWorkflow(options.topic, order, workflow)
    : missing(order, 'another content was ingested under this order ID, and no dead letter');
  if (byWorkflow.outcome !== 'missing') return byWorkflow;
  // It may have been stored since Postgres was asked.
  return judgeByRow(options, order, await storedRows(options, [order])) ?? byWorkflow;
}

function judgeByWorkflow(
  topic: string,
  order: OrderCandidate,
  workflow: OrderWorkflow | undefined,
): Verdict {
  if (!workflow) return missing(order, 'neither a row in Postgres nor a workflow in Temporal');
  const { source, state } = workflow;
  const isItsOwn =
    source.topic === topic &&
    source.partition === order.partition &&
    source.offset === order.offset;
  if (!isItsOwn) return { outcome: 'duplicate' };
  switch (state) {
    case 'running':
      return { outcome: 'in-progress' };
    case 'failed':
      return { outcome: 'failed' };
    case 'completed':
      return missing(order, 'its workflow has completed, but there is no row in Postgres');
    default:
      return state satisfies never;
  }
}

const missing = ({ partition, offset, read }: Candidate, why: string): Verdict => ({
  outcome: 'missing',
  missing: {
    partition,
    offset,
    orderId: read.kind === 'order' ? read.orderId : undefined,
    why,
  },
});
