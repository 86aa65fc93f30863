import type { MessageOutcome } from '../../bridge/outcome-counts.ts';
import type { Pipeline } from '../../bridge/pipeline.ts';
import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import type { TopicPartition } from '../../kafka/topic-partition.ts';
import type { DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';

/** What a replay did with a message. */
export type Replayed =
  | MessageOutcome
  /** The message has a dead letter already, and gets no second one. */
  | { readonly kind: 'existing-dead-letter' }
  /** In a dry run: the message would be submitted to Temporal. */
  | { readonly kind: 'would-submit' };

export interface ReplayParts {
  readonly deadLetters: DeadLetterIndex;
  readonly pipeline: Pick<Pipeline, 'ingestMessage'>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Submits a message to Temporal through the bridge's own code, unless it has a dead letter already. */
export async function replayMessage(
  { deadLetters, pipeline, dryRun, signal }: ReplayParts,
  source: TopicPartition,
  message: ConsumedMessage,
): Promise<Replayed> {
  if (deadLetters.has(source.partition, message)) return { kind: 'existing-dead-letter' };
  if (dryRun) return { kind: 'would-submit' };
  return pipeline.ingestMessage(message, source, signal);
}
