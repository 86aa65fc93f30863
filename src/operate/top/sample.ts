import type { Client } from '@temporalio/client';
import { shownText } from '../../config/given-value.ts';
import type { Environment } from '../../config/read-settings.ts';
import type { HttpTarget } from '../../http/http-client.ts';
import { countInsertedRows } from '../../postgres/server-state.ts';
import { answerOf, type Answer } from '../../program/answer.ts';
import { describeError } from '../../program/operator-error.ts';
import { withGroupLag, type GroupLag } from '../lag/group-lag.ts';
import { countRuns, listOrders } from '../../temporal/order-visibility.ts';
import { withOrders, type OrdersConnection } from '../orders/open-orders.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import { withStoredOrders, type StoredOrders } from '../orders/stored-orders.ts';
import { readBridge, type BridgeState } from './read-bridge.ts';

/** The state of all servers at one time. Those that could not be queried have an error instead. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kafka: Answer<{
    readonly committed: number;
    readonly end: number;
    readonly lag: number;
    /** Partitions that are offline and not included in the sums. */
    readonly offline: readonly number[];
    readonly topics: readonly TopicSample[];
  }>;
  readonly temporal: Answer<{
    readonly running: number;
    /** Those of `running` that wait for the end of their start delay. */
    readonly delayed: number;
    readonly completed: number;
    readonly failed: number;
    /** The newest first. */
    readonly failures: readonly OrderRun[];
  }>;
  /** Rows inserted since Postgres's statistics were last reset. */
  readonly postgres: Answer<{ readonly inserted: number }>;
  readonly bridges: readonly (Answer<BridgeState> & { readonly url: string })[];
}

/** The part of one topic in the sums. */
export interface TopicSample {
  readonly topic: string;
  readonly committed: number;
  readonly end: number;
  readonly lag: number;
  readonly offline: readonly number[];
}

/** The open connections. A server that could not be reached has an error instead. */
export interface Sources {
  readonly lag: Answer<GroupLag>;
  readonly temporal: Answer<{ readonly client: Client; readonly workflowIdPrefix: string }>;
  readonly postgres: Answer<StoredOrders>;
  readonly bridges: readonly HttpTarget[];
}

/** Connects to all three servers and runs `work`, even if some of them cannot be reached. */
export const withSources = (
  env: Environment,
  bridges: readonly HttpTarget[],
  work: (sources: Sources) => Promise<void>,
): Promise<void> =>
  withConnection<GroupLag>(
    (use) => withGroupLag(env, undefined, use),
    (lag) =>
      withConnection<OrdersConnection>(
        (use) => withOrders(env, use),
        (temporal) =>
          withConnection<StoredOrders>(
            (use) => withStoredOrders(env, use),
            (postgres) => work({ lag, temporal, postgres, bridges }),
          ),
      ),
  );

/** Runs `work` with the connection, or with the reason why there is none. */
async function withConnection<Connection>(
  connect: (use: (connection: Connection) => Promise<void>) => Promise<void>,
  work: (connection: Answer<Connection>) => Promise<void>,
): Promise<void> {
  const state = { isConnected: false };
  try {
    await connect((value) => {
      state.isConnected = true;
      return work({ ok: true, value });
    });
  } catch (error) {
    if (state.isConnected) throw error;
    await work({ ok: false, error: describeError(error) });
  }
}

const FAILURES_SHOWN = 5;

export async function takeSample(sources: Sources): Promise<Sample> {
  const at = Date.now();
  const [kafka, temporal, postgres, bridges] = await Promise.all([
    query(sources.lag, async ({ read }) => {
      const topics = [...(await read())].map(([topic, { partitions, offline }]) => ({
        topic,
        committed: sum(partitions.map(({ committed }) => Number(committed ?? 0n))),
        end: sum(partitions.map(({ end }) => Number(end))),
        lag: sum(partitions.map(({ lag }) => Number(lag))),
        offline,
      }));
      return {
        committed: sum(topics.map(({ committed }) => committed)),
        end: sum(topics.map(({ end }) => end)),
        lag: sum(topics.map(({ lag }) => lag)),
        offline: topics.flatMap(({ offline }) => offline),
        topics,
      };
    }),
    query(sources.temporal, async (orders) => {
      const query = `ExecutionTime > '${new Date().toISOString()}'`;
      const [running, delayed, completed, failed, failures] = await Promise.all([
        countRuns(orders, { statuses: ['running'] }),
        countRuns(orders, { statuses: ['running'], query }),
        countRuns(orders, { statuses: ['completed'] }),
        countRuns(orders, { statuses: ['failed'] }),
        take(listOrders(orders, { statuses: ['failed'] }, FAILURES_SHOWN), FAILURES_SHOWN),
      ]);
      return { running, delayed, completed, failed, failures };
    }),
    query(sources.postgres, async ({ pool, storage }) => ({
      inserted: await countInsertedRows(pool, storage.orderTable),
    })),
    Promise.all(
      sources.bridges.map(async (target) => ({
        url: shownText(target.url),
        ...(await answerOf(() => readBridge(target))),
      })),
    ),
  ]);
  return { at, kafka, temporal, postgres, bridges };
}

const query = async <Source, Value>(
  source: Answer<Source>,
  read: (source: Source) => Promise<Value>,
): Promise<Answer<Value>> => (source.ok ? answerOf(() => read(source.value)) : source);

async function take<Item>(items: AsyncIterable<Item>, count: number): Promise<readonly Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
