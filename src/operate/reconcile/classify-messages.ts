import pMap from 'p-map';
import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import { removedParts } from '../../kafka/truncated-records.ts';
import { isOtherForm } from '../../contract/fingerprint.ts';
import { isSamePosition, type MessageSource } from '../../contract/message.ts';
import type { StoredOrder } from '../../contract/order-module.ts';
import type {
  Identified,
  IdentifiedOrder,
  MessageReader,
} from '../../order-module/message-reader.ts';
import type { OrderWorkflow } from '../../temporal/order-workflow.ts';
import type { DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';
import type { OrderLookup } from './order-lookup.ts';
import type { MissingMessage, Outcome } from './outcome.ts';

/** The outcome of a message, with the details if it is missing. */
export type Classification =
  | { readonly outcome: Exclude<Outcome, 'missing'> }
  | { readonly outcome: 'missing'; readonly missing: MissingMessage };

export interface ClassifyOptions {
  readonly topic: string;
  readonly maxInputBytes: number;
  /** Partition to the group's committed offset: later messages are not expected to have an outcome yet. */
  readonly committed: ReadonlyMap<number, bigint>;
  readonly deadLetters: DeadLetterIndex;
  readonly reader: Pick<MessageReader, 'identify' | 'isFingerprintOf'>;
  readonly orders: OrderLookup;
}

const CONCURRENT_TEMPORAL_CALLS = 16;

interface Candidate {
  readonly partition: number;
  readonly message: ConsumedMessage;
  readonly read: Identified;
}

type OrderCandidate = Candidate & { readonly read: IdentifiedOrder };

type Rows = ReadonlyMap<string, StoredOrder>;

/**
 * Determines the outcome of each of these messages of one partition. Queries Postgres once for all of
 * them, and Temporal only for messages that neither Postgres nor a dead letter accounts for.
 */
export async function classifyMessages(
  options: ClassifyOptions,
  partition: number,
  messages: readonly ConsumedMessage[],
): Promise<readonly Classification[]> {
  const candidates: Candidate[] = [];
  for (const message of messages) {
    const read = await options.reader.identify(message.value, options.maxInputBytes);
    candidates.push({ partition, message, read });
  }
  const rows = await rowsOf(options, candidates.filter(isOrder));
  return pMap(candidates, (candidate) => classify(options, candidate, rows), {
    concurrency: CONCURRENT_TEMPORAL_CALLS,
  });
}

async function rowsOf(
  { orders }: ClassifyOptions,
  candidates: readonly OrderCandidate[],
): Promise<Rows> {
  const ids = new Set(candidates.map(({ read }) => read.orderId));
  if (ids.size === 0) return new Map();
  return new Map((await orders.findRows([...ids])).map((row) => [row.orderId, row]));
}

const isOrder = (candidate: Candidate): candidate is OrderCandidate =>
  candidate.read.kind === 'order';

async function classify(
  options: ClassifyOptions,
  candidate: Candidate,
  rows: Rows,
): Promise<Classification> {
  const { partition, message, read } = candidate;
  const row = read.kind === 'order' ? rows.get(read.orderId) : undefined;
  const isStored =
    isOrder(candidate) && row !== undefined && (await accountsFor(options, row, candidate));
  if (isStored && isFrom(candidate, options.topic, row)) return { outcome: 'stored' };
  if (options.deadLetters.has(partition, message)) return { outcome: 'dead-lettered' };
  if (isStored) return { outcome: 'duplicate' };
  if (BigInt(message.offset) >= (options.committed.get(partition) ?? 0n)) {
    return { outcome: 'in-progress' };
  }
  if (isOrder(candidate)) return classifyByTemporal(options, candidate);
  return missing(candidate, `no dead letter, although ${whyUnusable(candidate)}`);
}

const accountsFor = async (
  options: ClassifyOptions,
  row: StoredOrder,
  candidate: OrderCandidate,
): Promise<boolean> =>
  // The row has the corrected content, and its fingerprint is of another form than the message's: nothing is
  // left to compare the message with but its position.
  (row.isCorrected &&
    isFrom(candidate, options.topic, row) &&
    isOtherForm(row.fingerprint, candidate.read.fingerprint)) ||
  (await hasContentOf(options, row, candidate.read));

/** Whether the row holds the content of the message. */
const hasContentOf = async (
  { reader, orders }: ClassifyOptions,
  row: StoredOrder,
  read: IdentifiedOrder,
): Promise<boolean> =>
  reader.isFingerprintOf(row.fingerprint, read) ||
  // The fingerprint of an older version can differ although the order is the same.
  (isOtherForm(row.fingerprint, read.fingerprint) && (await orders.hasValuesOf(read)));

/**
 * Whether the row names this position as its source. That alone does not make it this message's row: after
 * the topic was recreated, another message of the same order can be at the position.
 */
const isFrom = (candidate: Candidate, topic: string, row: StoredOrder) =>
  isSamePosition(row.source, sourceOf(candidate, topic));

const sourceOf = ({ partition, message }: Candidate, topic: string): MessageSource => ({
  topic,
  partition,
  offset: message.offset,
});

function whyUnusable({ message, read }: Candidate): string {
  const removed = removedParts(message.headers);
  if (removed) return `it is too large: ${Math.max(...Object.values(removed))} bytes`;
  return read.kind === 'unusable' ? read.error : 'it has no order ID';
}

async function classifyByTemporal(
  options: ClassifyOptions,
  candidate: OrderCandidate,
): Promise<Classification> {
  const workflow = await options.orders.findWorkflow(candidate.read.orderId);
  const isOpen = workflow !== undefined && workflow.status !== 'completed';
  // Queried again: the order may have been stored since Postgres was queried for the whole batch.
  const row = isOpen ? undefined : (await rowsOf(options, [candidate])).get(candidate.read.orderId);
  return classifyByWorkflow(options, candidate, workflow, row);
}

async function classifyByWorkflow(
  options: ClassifyOptions,
  candidate: OrderCandidate,
  workflow: OrderWorkflow | undefined,
  row: StoredOrder | undefined,
): Promise<Classification> {
  const source = sourceOf(candidate, options.topic);
  const isRowFromHere = row !== undefined && isFrom(candidate, options.topic, row);
  const byRow: Classification = { outcome: isRowFromHere ? 'stored' : 'duplicate' };
  if (row && (await accountsFor(options, row, candidate))) return byRow;
  if (!workflow) {
    // The row has the corrected content. Only Temporal knew the content of the original message.
    if (row?.isCorrected && isRowFromHere) return byRow;
    return missing(
      candidate,
      row
        ? 'other content is stored under this order ID, and there is neither a dead letter nor a workflow'
        : 'neither a row in Postgres nor a workflow in Temporal',
    );
  }
  // A workflow that was started by hand has no fingerprint to compare.
  if (
    workflow.fingerprints.length > 0 &&
    !(await options.orders.hasIngested(workflow, { ...candidate.read, source }))
  ) {
    return missing(
      candidate,
      'other content was ingested under this order ID, and there is no dead letter',
    );
  }
  const isItsOwn = isSamePosition(workflow.source, source);
  switch (workflow.status) {
    case 'running':
      return { outcome: isItsOwn ? 'in-progress' : 'duplicate' };
    case 'failed':
    case 'cancelled':
    case 'terminated':
    case 'timed-out':
      return { outcome: isItsOwn ? 'failed' : 'duplicate' };
    case 'completed':
      // A completed workflow shows only that the row existed once. Neither its own message nor a duplicate
      // is accounted for without the row.
      if (row?.isCorrected) return byRow;
      // The row was stored by the workflow, which has ingested this content. Its values may differ from those of the
      // message: a field that the content does not count, or a column that is newer than the row.
      if (
        row &&
        isOtherForm(row.fingerprint, candidate.read.fingerprint) &&
        workflow.fingerprints.includes(row.fingerprint)
      ) {
        return byRow;
      }
      return missing(
        candidate,
        `${isItsOwn ? 'its' : "the order's"} workflow has completed, but ${row ? 'the row in Postgres has other content' : 'there is no row in Postgres'}`,
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
