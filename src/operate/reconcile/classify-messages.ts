import pMap from 'p-map';
import { isFingerprintOf, isFirstForm } from '../../order/fingerprint.ts';
import { identify, type Identified } from '../../order/identify.ts';
import type { DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';
import type { OrderId } from '../../contract/order-id.ts';
import { removedParts } from '../../kafka/truncated-records.ts';
import type { ConsumedMessage } from '../../kafka/consumer/message-consumer.ts';
import type { StoredOrderRow } from '../../order/sql/find-orders.ts';
import type { OrderWorkflow } from '../../temporal/order-workflow.ts';
import type { MissingMessage, Outcome } from './outcome.ts';

/** A message's outcome, with the reason when it is missing. */
export type Classification =
  | { readonly outcome: Exclude<Outcome, 'missing'> }
  | { readonly outcome: 'missing'; readonly missing: MissingMessage };

/** A message that is about an order. */
export type ReadOrder = Extract<Identified, { kind: 'order' }>;

export interface ClassifyOptions {
  readonly topic: string;
  readonly maxInputBytes: number;
  /** The group's committed offset of each partition: what comes after it is still to be read. */
  readonly committed: ReadonlyMap<number, bigint>;
  readonly deadLetters: DeadLetterIndex;
  /** The rows of these order IDs, as far as there are any. */
  readonly findRows: (orderIds: readonly OrderId[]) => Promise<readonly StoredOrderRow[]>;
  /** Whether the row under the order's ID has the values of the order. */
  readonly hasValuesOf: (order: ReadOrder) => Promise<boolean>;
  /** The latest run of the order's workflow; undefined when Temporal has none, or no longer. */
  readonly findWorkflow: (orderId: OrderId) => Promise<OrderWorkflow | undefined>;
  /** Whether the workflow has ingested what the message says. */
  readonly isAbout: (workflow: OrderWorkflow, order: ReadOrder) => Promise<boolean>;
}

const TEMPORAL_CALLS_AT_ONCE = 16;

interface Candidate {
  readonly partition: number;
  readonly message: ConsumedMessage;
  readonly read: Identified;
}

type OrderCandidate = Candidate & { readonly read: ReadOrder };

/**
 * Finds out what has become of messages of one partition: Postgres is asked once for all of them, and
 * Temporal for those alone that Postgres and the dead letters do not account for.
 */
export async function classifyMessages(
  options: ClassifyOptions,
  partition: number,
  messages: readonly ConsumedMessage[],
): Promise<readonly Classification[]> {
  const candidates = messages.map((message) => ({
    partition,
    message,
    read: identify(message.value, options.maxInputBytes),
  }));
  const rows = await rowsOf(options, candidates.filter(isOrder));
  return pMap(candidates, (candidate) => judge(options, candidate, rows), {
    concurrency: TEMPORAL_CALLS_AT_ONCE,
  });
}

type Rows = ReadonlyMap<string, StoredOrderRow>;

async function rowsOf(
  { findRows }: ClassifyOptions,
  orders: readonly OrderCandidate[],
): Promise<Rows> {
  const ids = new Set(orders.map(({ read }) => read.orderId));
  if (ids.size === 0) return new Map();
  return new Map((await findRows([...ids])).map((row) => [row.order_id, row]));
}

const isOrder = (candidate: Candidate): candidate is OrderCandidate =>
  candidate.read.kind === 'order';

async function judge(
  options: ClassifyOptions,
  candidate: Candidate,
  rows: Rows,
): Promise<Classification> {
  const { partition, message, read } = candidate;
  const row = read.kind === 'order' ? rows.get(read.orderId) : undefined;
  const isStored =
    isOrder(candidate) && row !== undefined && (await hasContentOf(options, row, candidate.read));
  if (isStored && isFrom(candidate, options.topic, row)) return { outcome: 'stored' };
  if (options.deadLetters.has(partition, message)) return { outcome: 'dead-lettered' };
  if (isStored) return { outcome: 'duplicate' };
  if (BigInt(message.offset) >= (options.committed.get(partition) ?? 0n)) {
    return { outcome: 'in-progress' };
  }
  if (isOrder(candidate)) return judgeByTemporal(options, candidate);
  return missing(candidate, `no dead letter, though ${whyUnusable(candidate)}`);
}

/** Whether the row holds what the message says. */
const hasContentOf = async (
  { hasValuesOf }: ClassifyOptions,
  row: StoredOrderRow,
  read: ReadOrder,
): Promise<boolean> =>
  isFingerprintOf(row.fingerprint, read) ||
  // An older version's fingerprint can differ although the order is the same.
  (isFirstForm(row.fingerprint) && (await hasValuesOf(read)));

/**
 * Whether the row names this place. That alone does not make it this message's row: after the topic was
 * recreated, another message of the same order can be there.
 */
const isFrom = ({ partition, message }: Candidate, topic: string, row: StoredOrderRow) =>
  row.source_topic === topic &&
  row.source_partition === partition &&
  row.source_offset === message.offset;

function whyUnusable({ message, read }: Candidate): string {
  const cut = removedParts(message.headers);
  if (cut) return `it was cut off for its size: ${Math.max(...Object.values(cut))} bytes`;
  return read.kind === 'unusable' ? read.error : 'it is about no order';
}

async function judgeByTemporal(
  options: ClassifyOptions,
  order: OrderCandidate,
): Promise<Classification> {
  const workflow = await options.findWorkflow(order.read.orderId);
  const isOpen = workflow !== undefined && workflow.status !== 'completed';
  // Only now: the order may have been stored since Postgres was asked for the whole batch.
  const row = isOpen ? undefined : (await rowsOf(options, [order])).get(order.read.orderId);
  return judgeByWorkflow(options, order, workflow, row);
}

async function judgeByWorkflow(
  options: ClassifyOptions,
  order: OrderCandidate,
  workflow: OrderWorkflow | undefined,
  row: StoredOrderRow | undefined,
): Promise<Classification> {
  const isRowFromHere = row !== undefined && isFrom(order, options.topic, row);
  const byRow: Classification = { outcome: isRowFromHere ? 'stored' : 'duplicate' };
  if (row && (await hasContentOf(options, row, order.read))) return byRow;
  if (!workflow) {
    // Its row has the corrected content; what the message said was known to Temporal alone.
    if (row?.is_corrected && isRowFromHere) return byRow;
    return missing(
      order,
      row
        ? 'another content is stored under this order ID, and there is neither a dead letter nor a workflow'
        : 'neither a row in Postgres nor a workflow in Temporal',
    );
  }
  // One that somebody has started by hand does not say what it is about.
  if (workflow.fingerprints.length > 0 && !(await options.isAbout(workflow, order.read))) {
    return missing(order, 'another content was ingested under this order ID, and no dead letter');
  }
  const isItsOwn =
    workflow.source.topic === options.topic &&
    workflow.source.partition === order.partition &&
    String(workflow.source.offset) === order.message.offset;
  switch (workflow.status) {
    case 'running':
      return { outcome: isItsOwn ? 'in-progress' : 'duplicate' };
    case 'failed':
    case 'cancelled':
    case 'terminated':
    case 'timed-out':
      return { outcome: isItsOwn ? 'failed' : 'duplicate' };
    case 'completed':
      // The workflow says only that the row was there once: not for its own message, nor for a duplicate.
      if (row?.is_corrected) return byRow;
      return missing(
        order,
        `${isItsOwn ? 'its' : "the order's"} workflow has completed, but ${row ? 'the row in Postgres has another content' : 'there is no row in Postgres'}`,
      );
    default:
      return workflow.status satisfies never;
  }
}

const missing = ({ partition, message, read }: Candidate, why: string): Classification => ({
  outcome: 'missing',
  missing: {
    partition,
    offset: message.offset,
    orderId: read.kind === 'order' ? read.orderId : undefined,
    why,
  },
});
