import { readSettings, type Environment } from '../config/read-settings.ts';
import { BRIDGE_ROLE } from '../config/roles.ts';
import { createKafkaClient, kafkaFailed } from '../kafka/kafka-client.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { findMessages, standsAt, type MessagePlace, type SearchedTopic } from './find-messages.ts';
import { replayRange } from './replay-range.ts';

export interface ForgottenOrders {
  /** Order ID to where its message stood, as far as somebody knows. */
  readonly places: ReadonlyMap<string, MessagePlace | undefined>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** How many messages have been looked through so far. */
  readonly onProgress: (read: number) => void;
}

export interface ForgottenResult {
  /** Order IDs whose message was handed to Temporal, or would be in a dry run. */
  readonly started: readonly string[];
  /** Order IDs whose message is no longer on the topic. */
  readonly gone: readonly string[];
}

/**
 * Runs orders again that Temporal has forgotten: hands their messages in anew from the topic, by the
 * bridge's own code. Throws an OperatorError when Kafka or Temporal cannot be reached.
 */
export async function replayForgotten(
  env: Environment,
  { places, dryRun, signal, onProgress }: ForgottenOrders,
): Promise<ForgottenResult> {
  const { kafka: settings, bridge } = readSettings(BRIDGE_ROLE, env);
  const topic = {
    kafka: createKafkaClient(settings, silentLogger()),
    topic: settings.topic,
    groupPrefix: bridge.groupId,
    maxInputBytes: bridge.maxInputBytes,
  };
  const found = await locate(topic, places, signal, onProgress).catch((error: unknown) => {
    throw error instanceof Error && error.name.startsWith('KafkaJS')
      ? kafkaFailed(settings, error)
      : error;
  });
  const started: string[] = [];
  const gone: string[] = [];
  for (const orderId of places.keys()) {
    if (signal.aborted) break;
    const place = found.get(orderId);
    if (place) {
      await handIn(env, place, dryRun, signal);
      started.push(orderId);
    } else gone.push(orderId);
  }
  return { started, gone };
}

/** Where the messages are, as far as they are still on the topic. */
async function locate(
  topic: SearchedTopic,
  places: ForgottenOrders['places'],
  signal: AbortSignal,
  onProgress: (read: number) => void,
): Promise<ReadonlyMap<string, MessagePlace>> {
  const found = new Map<string, MessagePlace>();
  for (const [orderId, place] of places) {
    if (place && (await standsAt(topic, orderId, place, signal))) found.set(orderId, place);
  }
  const sought = [...places.keys()].filter((orderId) => !found.has(orderId));
  if (sought.length > 0) {
    for (const [orderId, place] of await findMessages(topic, sought, signal, onProgress)) {
      found.set(orderId, place);
    }
  }
  return found;
}

const handIn = (
  env: Environment,
  { partition, offset }: MessagePlace,
  dryRun: boolean,
  signal: AbortSignal,
) =>
  replayRange(env, {
    partition,
    range: { from: offset, to: offset + 1n },
    completed: false,
    dryRun,
    signal,
    onProgress: () => undefined,
  });
