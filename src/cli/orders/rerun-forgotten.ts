import type { Environment } from '../../config/read-settings.ts';
import type { OrderRun } from '../../orders/order-run.ts';
import type { MessagePlace } from '../../replay/find-messages.ts';
import type { ForgottenResult } from '../../replay/replay-forgotten.ts';
import { createProgressLine } from '../progress-line.ts';

/** Where the message of a run stood, if its search attributes say so. */
export const placeOf = ({ source: { partition, offset } }: OrderRun): MessagePlace | undefined =>
  partition === undefined || offset === undefined
    ? undefined
    : { partition, offset: BigInt(offset) };

/**
 * Runs orders again that Temporal has forgotten, with their messages from the topic. Those whose row
 * is in Postgres are left alone; Postgres is asked if the settings name it.
 */
export async function rerunForgotten(
  env: Environment,
  forgotten: ReadonlyMap<string, MessagePlace | undefined>,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<ForgottenResult & { readonly stored: readonly string[] }> {
  if (forgotten.size === 0 || signal.aborted) return { started: [], gone: [], stored: [] };
  const { storedAmong } = await import('../../orders/stored-among.ts');
  const { replayForgotten } = await import('../../replay/replay-forgotten.ts');
  const stored = await storedAmong(env, [...forgotten.keys()]);
  const places = new Map([...forgotten].filter(([orderId]) => !stored.includes(orderId)));
  const line = createProgressLine();
  const result = await replayForgotten(env, {
    places,
    dryRun,
    signal,
    onProgress: (read) => {
      line.show(`Temporal has forgotten ${places.size}; looked through ${read} messages`);
    },
  });
  line.clear();
  return { ...result, stored };
}
