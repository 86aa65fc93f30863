import {
  attemptOf,
  DEAD_LETTER_HEADERS,
  omittedPartsHeaders,
  type DeadLetterReason,
  type OmittedParts,
} from '../contract/dead-letter.ts';
import { removedParts, isTruncationHeader } from '../kafka/truncated-records.ts';
import type { ConsumedMessage } from '../kafka/consumer/consumed-message.ts';
import {
  headersBytes,
  type MessageProducer,
  type OutgoingMessage,
  recordRejection,
  type RecordRejection,
} from '../kafka/producer.ts';
import { recordHeaders, type RecordHeader } from '../kafka/record-headers.ts';
import { VERSION } from '../program/version.ts';

export interface DeadLetter {
  readonly message: ConsumedMessage;
  readonly topic: string;
  readonly partition: number;
  readonly reason: DeadLetterReason;
  readonly error: string;
}

export interface DeadLetterWriter {
  /**
   * Resolves when the broker has acknowledged it, with the parts of the message that it does not carry.
   * Throws transient errors, and an error if the broker rejects even the smallest possible dead letter.
   */
  write(letter: DeadLetter): Promise<OmittedParts>;
}

/**
 * Writes messages unchanged (key, value and headers), with additional headers that describe the
 * problem. Parts that the broker rejects are omitted and named in a header: a message that does not fit
 * into a dead letter must not block the others, and its content is still in the source topic.
 */
export const createDeadLetterWriter = (
  producer: Pick<MessageProducer, 'send'>,
  deadLetterTopicOf: (sourceTopic: string) => string,
): DeadLetterWriter => ({
  async write(letter) {
    const deadLetterTopic = deadLetterTopicOf(letter.topic);
    let form = wholeForm(letter);
    for (;;) {
      try {
        await producer.send(deadLetterTopic, [outgoing(letter, form)]);
        return form.omitted;
      } catch (error) {
        const rejection = recordRejection(error);
        const next = rejection && reduced(letter, form, rejection);
        if (!next) throw error;
        form = next;
      }
    }
  },
});

/** How a dead letter is written. */
interface Form {
  readonly omitted: OmittedParts;
  readonly hasGeneratedKey: boolean;
  /** Has the timestamp of its message instead of the current time. */
  readonly hasSourceTime: boolean;
}

const wholeForm = ({ message }: DeadLetter): Form => ({
  omitted: removedParts(message.headers) ?? {},
  hasGeneratedKey: false,
  hasSourceTime: false,
});

/** The form to try after a rejection; undefined when there is nothing left to change. */
function reduced(letter: DeadLetter, form: Form, rejection: RecordRejection): Form | undefined {
  const { message } = letter;
  const { omitted } = form;
  if (rejection === 'time') {
    const canChange = !form.hasSourceTime && !message.timestamp.startsWith('-');
    return canChange ? { ...form, hasSourceTime: true } : undefined;
  }
  const key = omitted.key === undefined ? message.key : null;
  if (rejection === 'invalid' && key === null && !form.hasGeneratedKey) {
    return { ...form, hasGeneratedKey: true };
  }
  const omit = (part: OmittedParts): Form => ({ ...form, omitted: { ...omitted, ...part } });
  if (omitted.value === undefined && message.value) return omit({ value: message.value.length });
  const headers = headersOf(message);
  if (omitted.headers === undefined && headers.length > 0) {
    return omit({ headers: headersBytes(headers) });
  }
  return key === null ? undefined : omit({ key: key.length });
}

function outgoing(letter: DeadLetter, form: Form): OutgoingMessage {
  const { message, topic, partition } = letter;
  const { omitted } = form;
  const key = omitted.key === undefined ? message.key : null;
  return {
    key: form.hasGeneratedKey ? `${topic}/${partition}/${message.offset}` : key,
    value: omitted.value === undefined ? message.value : null,
    headers: [
      ...(omitted.headers === undefined ? headersOf(message) : []),
      ...Object.entries(deadLetterHeaders(letter, form)).map(([name, value]) => ({ name, value })),
    ],
    ...(form.hasSourceTime ? { timestamp: message.timestamp } : {}),
  };
}

const OUR_HEADERS: ReadonlySet<unknown> = new Set(Object.values(DEAD_LETTER_HEADERS));

/** The headers as the producer sent them, without those whose names are reserved for dead letters. */
const headersOf = ({ headers }: ConsumedMessage): readonly RecordHeader[] =>
  recordHeaders(headers).filter(
    (header) => !isTruncationHeader(header) && !OUR_HEADERS.has(header.name),
  );

const deadLetterHeaders = (
  { message, topic, partition, reason, error }: DeadLetter,
  { omitted, hasGeneratedKey }: Form,
): Readonly<Record<string, string>> => ({
  [DEAD_LETTER_HEADERS.reason]: reason,
  [DEAD_LETTER_HEADERS.error]: error,
  [DEAD_LETTER_HEADERS.sourceTopic]: topic,
  [DEAD_LETTER_HEADERS.sourcePartition]: String(partition),
  [DEAD_LETTER_HEADERS.sourceOffset]: message.offset,
  [DEAD_LETTER_HEADERS.sourceTimestamp]: message.timestamp,
  [DEAD_LETTER_HEADERS.attempt]: String(attemptOf(message.headers) + 1),
  [DEAD_LETTER_HEADERS.bridgeVersion]: VERSION,
  ...omittedPartsHeaders(omitted),
  ...(hasGeneratedKey ? { [DEAD_LETTER_HEADERS.generatedKey]: 'true' } : {}),
});
