import { createReadStream } from 'node:fs';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { PRODUCER_ROLE } from '../../config/roles.ts';
import { valueSettingMistakes, type ValueSettings } from '../../config/value-settings.ts';
import { createKafkaClient, type KafkaSettings } from '../../kafka/kafka-client.ts';
import { kafkaError } from '../../kafka/kafka-error.ts';
import {
  createProducer,
  type MessageProducer,
  type OutgoingMessage,
} from '../../kafka/producer.ts';
import { fetchTopicEnds, partitionsOffline } from '../../kafka/topic-partitions.ts';
import { chooseTopic } from '../../kafka/source-topics.ts';
import { checkTopicsExist } from '../../kafka/topics.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import type { OrderModule, SampleMessage, SampleOptions } from '../../contract/order-module.ts';
import type { MessageReader } from '../../order-module/message-reader.ts';
import { openMessageReader } from '../../order-module/open-message-reader.ts';
import { ndjsonMessages } from './ndjson-messages.ts';

/** Where messages come from. */
export type ProduceSource =
  | ({ readonly kind: 'sample' } & SampleOptions)
  | { readonly kind: 'file'; readonly file: string; readonly raw: boolean }
  | { readonly kind: 'stdin'; readonly raw: boolean };

export interface ProduceResult {
  readonly sent: number;
  readonly topic: string;
  readonly brokers: readonly string[];
}

/**
 * Sends messages to a source topic. Throws an OperatorError.
 *
 * @param requested the topic; required if `KAFKA_TOPIC` lists several
 */
export async function produce(
  env: Environment,
  requested: string | undefined,
  source: ProduceSource,
  onProgress: (sent: number) => void,
): Promise<ProduceResult> {
  const { kafka: settings, ...readerSettings } = readSettings(
    PRODUCER_ROLE,
    env,
    valueSettingMistakes,
  );
  checkFormat(readerSettings.value, source);
  const topic = chooseTopic(settings, requested);
  const reader = await openMessageReader(readerSettings);
  await withFailFastAdmin(settings, (admin) => checkTopicsExist(admin, settings, [topic]));
  const producer = createProducer(createKafkaClient(settings, silentLogger()));
  try {
    await producer.connect();
    const { brokers } = settings;
    return {
      sent: await sendAll(producer, topic, messagesOf(source, reader), onProgress),
      topic,
      brokers,
    };
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new OperatorError('FILE_UNREADABLE', error.message, 'name a file that exists', {
        cause: error,
      });
    }
    throw (await offlineError(settings, topic)) ?? kafkaError(settings, error);
  } finally {
    await producer.disconnect();
  }
}

/** `produce` writes JSON text only, and generates orders without an envelope. */
function checkFormat({ format, payloadPointer }: ValueSettings, { kind }: ProduceSource): void {
  if (format !== 'json') {
    throw new OperatorError(
      'PRODUCE_FORMAT_UNSUPPORTED',
      `KAFKA_VALUE_FORMAT is ${format}, and \`produce\` sends JSON only`,
      `send the orders with a serializer for ${format}, or set KAFKA_VALUE_FORMAT=json and another KAFKA_TOPIC for this command`,
    );
  }
  if (kind === 'sample' && payloadPointer !== undefined) {
    throw new OperatorError(
      'PRODUCE_FORMAT_UNSUPPORTED',
      'ORDER_PAYLOAD_POINTER is set, and generated orders have no envelope',
      'name an NDJSON file with envelopes, or unset ORDER_PAYLOAD_POINTER and set another KAFKA_TOPIC for this command',
    );
  }
}

const BATCH_SIZE = 500;

/** Sends the messages in order, a batch at a time, and returns how many. */
async function sendAll(
  producer: MessageProducer,
  topic: string,
  messages: Iterable<OutgoingMessage> | AsyncIterable<OutgoingMessage>,
  onProgress: (sent: number) => void,
): Promise<number> {
  let sent = 0;
  let batch: OutgoingMessage[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    await producer.send(topic, batch);
    sent += batch.length;
    batch = [];
    onProgress(sent);
  };
  for await (const message of messages) {
    batch.push(message);
    if (batch.length === BATCH_SIZE) await flush();
  }
  await flush();
  return sent;
}

/** The error to report if sending failed because partitions of the topic are offline. */
async function offlineError(
  settings: KafkaSettings,
  topic: string,
): Promise<OperatorError | undefined> {
  const ends = await withFailFastAdmin(settings, (admin) => fetchTopicEnds(admin, topic)).catch(
    () => undefined,
  );
  return ends && ends.offline.length > 0 ? partitionsOffline(topic, ends.offline) : undefined;
}

function messagesOf(source: ProduceSource, reader: MessageReader) {
  switch (source.kind) {
    case 'sample':
      return sampleMessages(source, reader);
    case 'file': {
      const { file: name, raw } = source;
      return ndjsonMessages(createReadStream(name), { name, raw, reader });
    }
    case 'stdin':
      return ndjsonMessages(process.stdin, { name: 'standard input', raw: source.raw, reader });
    default:
      return source satisfies never;
  }
}

export function* sampleMessages(
  options: SampleOptions,
  { orderModule }: MessageReader,
): Generator<OutgoingMessage> {
  if (!orderModule.samples) {
    throw new OperatorError(
      'SAMPLES_UNAVAILABLE',
      `The order module "${orderModule.name}" has no sample orders`,
      'add `samples` to the module, or name an NDJSON file',
    );
  }
  for (const { key, value } of samplesOf(orderModule, options)) {
    yield { key, value: value instanceof Uint8Array ? Buffer.from(value) : value };
  }
}

/** A module need not be written in TypeScript. */
function* samplesOf(orderModule: OrderModule, options: SampleOptions): Generator<SampleMessage> {
  const invalid = (problem: string, cause?: unknown) =>
    new OperatorError(
      'ORDER_MODULE_INVALID',
      `The samples of the order module "${orderModule.name}" cannot be sent: ${problem}`,
      'correct `samples`: it takes { count, broken, idPrefix } and yields { key, value }, where the key is the order ID or null, and the value the text of the message, such as JSON.stringify(order)',
      { cause },
    );
  try {
    const samples: unknown = orderModule.samples?.(options);
    if (!isIterable(samples)) throw invalid('expected a generator or an array');
    for (const sample of samples) {
      if (!isSampleMessage(sample)) {
        throw invalid('expected { key, value }, each a string or null; the value may be bytes');
      }
      yield sample;
    }
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw invalid(`samples threw ${describeError(error)}`, error);
  }
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

const isSampleMessage = (sample: unknown): sample is SampleMessage =>
  typeof sample === 'object' &&
  sample !== null &&
  'key' in sample &&
  'value' in sample &&
  isTextOrNull(sample.key) &&
  (isTextOrNull(sample.value) || sample.value instanceof Uint8Array);

const isTextOrNull = (value: unknown): value is string | null =>
  value === null || typeof value === 'string';
