import type { MessageOutcome } from '../../bridge/outcome-counts.ts';
import type { Pipeline } from '../../bridge/pipeline.ts';
import type { DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';
import type { ConsumedMessage } from '../../kafka/consumer/message-consumer.ts';

/** What a replay has made of a message. */
export type Replayed =
  | MessageOutcome
  /** It has a dead letter already, and gets no second one. */
  | { readonly kind: 'dead-letter-before' }
  /** In a dry run: it would be handed to Temporal. */
  | { readonly kind: 'due' };

export interface ReplayParts {
  readonly deadLetters: DeadLetterIndex;
  readonly pipeline: Pick<Pipeline, 'ingestMessage'>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Hands a message to Temporal by the bridge's own code, unless it is a dead letter. */
export async function replayMessage(
  { deadLetters, pipeline, dryRun, signal }: ReplayParts,
  place: { readonly topic: string; readonly partition: number },
  message: ConsumedMessage,
): Promise<Replayed> {
  if (deadLetters.has(place.partition, message)) return { kind: 'dead-letter-before' };
  if (dryRun) return { kind: 'due' };
  return pipeline.ingestMessage(message, place, signal);
}
