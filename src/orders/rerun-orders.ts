import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import pMap from 'p-map';
import { hasCode } from '../temporal/call-patiently.ts';
import type { OrderRun } from './order-run.ts';
import { rerunOrder } from './rerun-order.ts';
import type { RerunTarget } from './start-again.ts';

export interface RerunOptions {
  /** So many a second at the most. */
  readonly perSecond: number;
  /** Only count. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (handled: number) => void;
}

export interface RerunResult {
  /** Order IDs that run again; in a dry run those that would. */
  readonly started: readonly string[];
  /** Run or have been stored meanwhile. */
  readonly leftAlone: number;
  /** Runs whose history is past the namespace's retention. */
  readonly gone: readonly OrderRun[];
}

const STARTS_AT_ONCE = 16;

/** Runs failed orders again, as they come. What has been started when it is aborted stays so. */
export async function rerunOrders(
  target: RerunTarget,
  runs: AsyncIterable<OrderRun>,
  { perSecond, dryRun, signal, onProgress }: RerunOptions,
): Promise<RerunResult> {
  const started: string[] = [];
  const gone: OrderRun[] = [];
  let leftAlone = 0;
  let handled = 0;
  await pMap(
    paced(runs, dryRun ? Number.POSITIVE_INFINITY : perSecond, signal),
    async (run) => {
      if (signal.aborted) return;
      if (dryRun) started.push(run.orderId);
      else {
        try {
          const outcome = await rerunOrder(target, run);
          if (outcome.kind === 'started') started.push(run.orderId);
          else leftAlone += 1;
        } catch (error) {
          if (!hasCode(error, status.NOT_FOUND)) throw error;
          gone.push(run);
        }
      }
      handled += 1;
      onProgress(handled);
    },
    { concurrency: STARTS_AT_ONCE },
  );
  return { started, leftAlone, gone };
}

async function* paced(
  runs: AsyncIterable<OrderRun>,
  perSecond: number,
  signal: AbortSignal,
): AsyncGenerator<OrderRun, void, undefined> {
  const begin = Date.now();
  let count = 0;
  for await (const run of runs) {
    const wait = begin + (count * 1000) / perSecond - Date.now();
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    count += 1;
    yield run;
  }
}
