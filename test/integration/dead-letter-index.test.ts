import kafkajs from 'kafkajs';
import { indexDeadLetters } from '../../src/operate/dead-letters/dead-letter-index.ts';
import {
  parseDeadLetter,
  type DeadLetterTopic,
} from '../../src/operate/dead-letters/dead-letter-topic.ts';
import { readRequeueMarks, requeueMark } from '../../src/operate/dead-letters/requeue-marks.ts';
import { maxFutureTimestamp } from '../../src/kafka/topics.ts';
import { consumedMessage } from '../support/consumed-message.ts';
import { eventually } from '../support/eventually.ts';
import { createTestTopic, type TestTopic } from '../support/kafka.ts';

/** Of a long history of dead letters and marks, only the relevant part is read. */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let topic: TestTopic;
let deadLetterTopic: DeadLetterTopic;
beforeEach(async () => {
  topic = await createTestTopic({ retentionMs: -1 });
  deadLetterTopic = {
    kafka: topic.kafka,
    topic: topic.deadLetterTopic,
    marksTopic: topic.name,
    groupPrefix: topic.groupId,
  };
});
afterEach(() => topic.close());

const headersFor = (offset: bigint, timestamp: number) => ({
  'dead-letter.source.topic': topic.name,
  'dead-letter.source.partition': '0',
  'dead-letter.source.offset': offset.toString(),
  'dead-letter.source.timestamp': String(timestamp),
});

async function send(
  to: string,
  messages: readonly {
    readonly key?: string;
    readonly value: string;
    readonly timestamp: number;
    readonly headers?: Record<string, string>;
  }[],
): Promise<void> {
  const producer = topic.kafka.producer();
  await producer.connect();
  await producer.send({
    topic: to,
    messages: messages.map((message) => ({ ...message, timestamp: String(message.timestamp) })),
  });
  await producer.disconnect();
}

const source = () => ({ topic: topic.name, ranges: new Map([[0, { from: 0n, to: 2n }]]) });

/** Two bad messages, a minute apart. The dead letter of the first is dated long before its message. */
async function sendHistory(now: number): Promise<void> {
  await send(topic.name, [
    { value: 'bad', timestamp: now },
    { value: 'bad', timestamp: now + 60_000 },
  ]);
  await send(topic.deadLetterTopic, [
    { value: 'bad', timestamp: now - 3 * DAY, headers: headersFor(0n, now) },
    { value: 'bad', timestamp: now + 61_000, headers: headersFor(1n, now + 60_000) },
  ]);
}

test('an index ignores dead letters that are older than its messages', async () => {
  const now = Date.now() - 10 * DAY;
  await sendHistory(now);
  const first = consumedMessage('bad', { offset: '0', timestamp: String(now) });
  const second = consumedMessage('bad', { offset: '1', timestamp: String(now + 60_000) });
  const found = async (smallTopicOffsets: bigint) => {
    const index = await indexDeadLetters(deadLetterTopic, source(), { smallTopicOffsets });
    return [index.has(0, first), index.has(0, second)];
  };
  expect(await found(0n)).toEqual([false, true]);
  expect(await found(100n)).toEqual([true, true]);
});

test('the broker says how far ahead a timestamp may be; without a limit it is unknown', async () => {
  const change = (name: string, value: string) => {
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    return topic.admin.alterConfigs({
      validateOnly: false,
      resources: [{ type, name: topic.name, configEntries: [{ name, value }] }],
    });
  };
  // The broker may still give the old value just after a change.
  const becomes = (expected: number | undefined) =>
    eventually(async () => {
      expect(await maxFutureTimestamp(topic.admin, topic.name)).toBe(expected);
    });
  await becomes(HOUR);
  await change('message.timestamp.after.max.ms', '5000');
  await becomes(5000);
  await change('message.timestamp.after.max.ms', '9223372036854775807');
  await becomes(undefined);
  await change('message.timestamp.type', 'LogAppendTime');
  await becomes(0);
});

test('only marks since the oldest dead letter in question are read', async () => {
  const now = Date.now() - 10 * DAY;
  const deadLetters = [now, now + 5 * DAY].map((writtenAt, offset) => {
    const headers = headersFor(BigInt(offset), writtenAt);
    const deadLetter = parseDeadLetter(
      0,
      consumedMessage('bad', { offset: String(offset), timestamp: String(writtenAt), headers }),
    );
    if (!deadLetter) throw new Error('not a dead letter');
    return deadLetter;
  });
  await send(
    deadLetterTopic.marksTopic,
    deadLetters.map((deadLetter) => {
      const { key, value } = requeueMark(deadLetter);
      return { key: String(key), value: String(value), timestamp: deadLetter.writtenAt + HOUR };
    }),
  );
  const all = await readRequeueMarks(deadLetterTopic);
  expect(deadLetters.map(all)).toEqual([true, true]);
  const some = await readRequeueMarks(deadLetterTopic, now + 5 * DAY);
  expect(deadLetters.map(some)).toEqual([false, true]);
});
