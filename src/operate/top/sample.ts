import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { GroupLag } from '../lag/with-lag.ts';
import { countRuns, listOrders } from '../../temporal/order-visibility.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import { describeError } from '../../program/operator-error.ts';
import { countInsertedOrders } from '../../order/sql/find-orders.ts';
import { readBridge, type BridgeState } from './read-bridge.ts';

/** What the servers say at one moment. A part that could not be asked is an error instead. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kafka: Part<{
    readonly committed: number;
    readonly end: number;
    readonly lag: number;
    /** Partitions that are offline, and left out of the sums. */
    readonly offline: readonly number[];
  }>;
  readonly temporal: Part<{
    readonly running: number;
    readonly completed: number;
    readonly failed: number;
    /** The newest first. */
    readonly failures: readonly OrderRun[];
  }>;
  /** Rows that were ever inserted, by Postgres's statistics. */
  readonly postgres: Part<{ readonly inserted: number }>;
  readonly bridges: readonly (Part<BridgeState> & { readonly url: string })[];
}

export type Part<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: string };

/** Connections that could not be made are errors themselves. */
export interface Sources {
  readonly lag: Part<GroupLag>;
  readonly temporal: Part<{ readonly client: Client; readonly workflowIdPrefix: string }>;
  readonly postgres: Part<Pick<Pool, 'query'>>;
  readonly bridges: readonly string[];
}

const FAILURES = 5;

export async function takeSample(sources: Sources): Promise<Sample> {
  const at = Date.now();
  const [kafka, temporal, postgres, bridges] = await Promise.all([
    ask(sources.lag, async ({ read }) => {
      const { partitions, offline } = await read();
      return {
        committed: sum(partitions.map(({ committed }) => committed ?? 0n)),
        end: sum(partitions.map(({ end }) => end)),
        lag: sum(partitions.map(({ lag }) => lag)),
        offline,
      };
    }),
    ask(sources.temporal, async (place) => {
      const [running, completed, failed, failures] = await Promise.all([
        countRuns(place, { statuses: ['running'] }),
        countRuns(place, { statuses: ['completed'] }),
        countRuns(place, { statuses: ['failed'] }),
        collect(listOrders(place, { statuses: ['failed'] }, FAILURES), FAILURES),
      ]);
      return { running, completed, failed, failures };
    }),
    ask(sources.postgres, async (pool) => ({ inserted: await countInsertedOrders(pool) })),
    Promise.all(
      sources.bridges.map(async (url) => ({
        url,
        ...(await ask({ ok: true, value: url }, readBridge)),
      })),
    ),
  ]);
  return { at, kafka, temporal, postgres, bridges };
}

async function ask<Source, Value>(
  source: Part<Source>,
  question: (source: Source) => Promise<Value>,
): Promise<Part<Value>> {
  if (!source.ok) return source;
  try {
    return { ok: true, value: await question(source.value) };
  } catch (error) {
    return { ok: false, error: describeError(error) };
  }
}

async function collect<Item>(items: AsyncIterable<Item>, count: number): Promise<readonly Item[]> {
  const collected: Item[] = [];
  for await (const item of items) {
    collected.push(item);
    if (collected.length === count) break;
  }
  return collected;
}

const sum = (numbers: readonly bigint[]): number =>
  Number(numbers.reduce((total, number) => total + number, 0n));
