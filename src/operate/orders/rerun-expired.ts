import type { Environment } from '../../config/read-settings.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import type { MessagePosition } from '../../kafka/offset-ranges.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';

/** Where the message of a run stood, if its search attributes say so. */
export const placeOf = ({
  source: { partition, offset },
}: OrderRun): MessagePosition | undefined =>
  partition === undefined || offset === undefined
    ? undefined
    : { partition, offset: BigInt(offset) };

/** An order whose message is a dead letter, so that there is nothing to run. */
export interface DeadLetteredOrder {
  readonly orderId: string;
  readonly partition: number;
  readonly offset: string;
  /** Of a dead letter that was written now. */
  readonly reason?: string;
}

export interface ForgottenRerun {
  readonly started: readonly string[];
  /** Their row is in Postgres, or Temporal has a workflow of them after all. */
  readonly leftAlone: readonly string[];
  readonly deadLetters: readonly DeadLetteredOrder[];
  /** No message on the topic is about them. */
  readonly gone: readonly string[];
}

/**
 * Runs orders again that Temporal no longer has, with their messages from the topic. Those whose row
 * is in Postgres are left alone; Postgres is asked if the settings name it.
 */
export async function rerunForgotten(
  env: Environment,
  forgotten: ReadonlyMap<string, MessagePosition | undefined>,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<ForgottenRerun> {
  const leftAlone: string[] = [];
  const started: string[] = [];
  const deadLetters: DeadLetteredOrder[] = [];
  if (forgotten.size === 0 || signal.aborted) return { started, leftAlone, deadLetters, gone: [] };
  const { storedAmong } = await import('./stored-orders.ts');
  const { replayForgotten } = await import('../replay/replay-forgotten.ts');
  leftAlone.push(...(await storedAmong(env, [...forgotten.keys()])));
  const places = new Map([...forgotten].filter(([orderId]) => !leftAlone.includes(orderId)));
  if (places.size === 0) return { started, leftAlone, deadLetters, gone: [] };
  const line = createProgressLine();
  const { outcomes, gone } = await replayForgotten(env, {
    places,
    dryRun,
    signal,
    onProgress: (read, waitingFor) => {
      const [reason] = Object.entries(waitingFor);
      line.show(
        reason
          ? `waiting for ${reason.join(': ')}`
          : `Temporal does not have ${places.size}; looked through ${read} messages`,
      );
    },
  });
  line.clear();
  for (const [orderId, outcome] of outcomes) {
    switch (outcome.kind) {
      case 'started':
        started.push(orderId);
        break;
      case 'duplicate':
        leftAlone.push(orderId);
        break;
      case 'dead-letter-before':
      case 'dead-letter': {
        const { partition, offset } = outcome.place;
        deadLetters.push({
          ...{ orderId, partition, offset: offset.toString() },
          ...(outcome.kind === 'dead-letter' ? { reason: outcome.reason } : {}),
        });
        break;
      }
      default:
        outcome satisfies never;
    }
  }
  return { started, leftAlone, deadLetters, gone };
}
