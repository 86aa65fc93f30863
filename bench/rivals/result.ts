import type { Spread } from '../harness/compare.ts';

/** The figures of one system in `bench/results/side-by-side.json`. */
export interface RivalResult {
  readonly name: string;
  /** Orders per second from a full topic to rows. */
  readonly rate: Spread;
  /** Median CPU milliseconds per order, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Milliseconds from sending a message to the time of its row, at `LATENCY_RATE`. */
  readonly latency: { readonly p50: Spread; readonly p99: Spread };
  /** Median resident memory in MiB after the orders, by process; without Kafka and Postgres. */
  readonly memory: Readonly<Record<string, number>>;
  readonly killed: KillResult;
  /** The same with its server killed too; absent for a system without one. */
  readonly killedWithServer?: KillResult;
  readonly troubled: BadMessagesResult;
}

/** The result of a SIGKILL when a quarter of the orders is stored, and a restart. */
export interface KillResult {
  readonly orders: number;
  readonly lost: number;
  /** Messages whose work was done or recorded, and which Kafka nevertheless delivers again. */
  readonly readAgain: number;
}

/**
 * Messages that do not become rows: a different order with the ID of a stored one; one that is not JSON; an
 * order with a NUL in a name, which Postgres cannot store in a text; and an order that a constraint of the
 * table rejects, until an operator drops the constraint.
 */
export const BAD_MESSAGES = ['conflict', 'not-json', 'nul', 'constraint'] as const;
export type BadMessage = (typeof BAD_MESSAGES)[number];

export interface BadMessagesResult {
  readonly goodOrders: number;
  /**
   * Good orders that are not stored because of a bad message: those behind the one that a constraint rejects, until an
   * operator intervenes, and those behind the NUL.
   */
  readonly stuck: number;
  /** Where each bad message ends: `dead letter`, `failed workflow`, `dropped`, … */
  readonly ends: Readonly<Record<BadMessage, string>>;
  /** How the rejected order was run again once the constraint was dropped, and whether it was stored. */
  readonly rerun: { readonly how: string; readonly stored: boolean };
}

/** The bad message that a system has kept, by the reason that it reports. All have the reasons of our store. */
export function badMessageOf(reason: string): BadMessage | undefined {
  if (/different order|conflict/i.test(reason)) return 'conflict';
  if (/22021|NUL character/.test(reason)) return 'nul';
  if (/23514|check violation/.test(reason)) return 'constraint';
  return /json/i.test(reason) ? 'not-json' : undefined;
}
