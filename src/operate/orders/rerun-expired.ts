import { counted } from '../../program/counted.ts';
import type { Environment } from '../../config/read-settings.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import type { TopicPosition } from '../../kafka/offset-ranges.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import type { ReplayOptions } from '../replay/open-replay.ts';

/** The position of the message that started a run, if its search attributes have it. */
export const positionOf = ({
  source: { topic, partition, offset },
}: OrderRun): TopicPosition | undefined =>
  topic === undefined || partition === undefined || offset === undefined
    ? undefined
    : { topic, partition, offset: BigInt(offset) };

/** An order that cannot be run because its message is a dead letter. */
export interface DeadLetteredOrder {
  readonly orderId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Set for a dead letter that this run has written. */
  readonly reason?: string;
}

export interface ExpiredRerun {
  /** Order IDs, here and below. */
  readonly started: readonly string[];
  /** Postgres has their row, or Temporal has a workflow for them after all. */
  readonly leftAlone: readonly string[];
  readonly deadLetters: readonly DeadLetteredOrder[];
  /** The topics have no message of these orders. */
  readonly gone: readonly string[];
}

/**
 * Re-runs expired orders, which Temporal no longer has, with their messages from the topics. Orders whose
 * row is in Postgres are skipped, if the settings name a database.
 *
 * @param expired order ID to the position of its message, if known
 */
export async function rerunExpired(
  env: Environment,
  expired: ReadonlyMap<string, TopicPosition | undefined>,
  { dryRun, priority, signal }: Pick<ReplayOptions, 'dryRun' | 'priority' | 'signal'>,
): Promise<ExpiredRerun> {
  const leftAlone: string[] = [];
  const started: string[] = [];
  const deadLetters: DeadLetteredOrder[] = [];
  if (expired.size === 0 || signal.aborted) return { started, leftAlone, deadLetters, gone: [] };
  const { storedAmong } = await import('./stored-orders.ts');
  const { replayExpired } = await import('../replay/replay-expired.ts');
  leftAlone.push(...(await storedAmong(env, [...expired.keys()])));
  const positions = new Map([...expired].filter(([orderId]) => !leftAlone.includes(orderId)));
  if (positions.size === 0) return { started, leftAlone, deadLetters, gone: [] };
  const line = createProgressLine();
  const { outcomes, gone } = await replayExpired(env, {
    positions,
    ...{ dryRun, priority, signal },
    onProgress: (read, waitingFor) => {
      const [reason] = Object.entries(waitingFor);
      line.show(
        reason
          ? `waiting for ${reason.join(': ')}`
          : `${counted(positions.size, 'order')} expired in Temporal; ${counted(read, 'message')} searched`,
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
      case 'existing-dead-letter':
      case 'dead-letter': {
        const { topic, partition, offset } = outcome.position;
        deadLetters.push({
          ...{ orderId, topic, partition, offset: offset.toString() },
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
