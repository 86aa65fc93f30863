import kafkajs from 'kafkajs';
import { indexDeadLetters } from '../../src/operate/dead-letters/dead-letter-index.ts';
import type { DeadLetterTopic } from '../../src/operate/dead-letters/read-dead-letters.ts';
import { readReplayMarks, replayMark } from '../../src/operate/dead-letters/replay-marks.ts';
import { storedDeadLetter } from '../../src/operate/dead-letters/stored-dead-letter.ts';
import { maxFutureTimestamp } from '../../src/kafka/topics.ts';
import { consumedMessage } from '../support/consumed-message.ts';
import { createTestTopic, type TestTopic } from '../support/kafka.ts';

/** The dead letters and marks of a long history, of which only a part is read. */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let topic: TestTopic;
let place: DeadLetterTopic;
beforeEach(async () => {
  topic = await createTestTopic();
  place = {
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

/** Two bad messages, one a minute after the other; the letter of the first says it was written long before. */
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

test('an index leaves out what was written before its messages can have been', async () => {
  const now = Date.now() - 10 * DAY;
  await sendHistory(now);
  const first = consumedMessage('bad', { offset: '0', timestamp: String(now) });
  const second = consumedMessage('bad', { offset: '1', timestamp: String(now + 60_000) });
  const found = async (smallTopicOffsets: bigint) => {
    const index = await indexDeadLetters(place, source(), { smallTopicOffsets });
    return [index.has(0, first), index.has(0, second)];
  };
  expect(await found(0n)).toEqual([false, true]);
  expect(await found(100n)).toEqual([true, true]);
});

test('how far ahead a timestamp can be is as the broker says, and unknown where nothing limits it', async () => {
  const withSetting = async (name: string, value: string) => {
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    await topic.admin.alterConfigs({
      validateOnly: false,
      resources: [{ type, name: topic.name, configEntries: [{ name, value }] }],
    });
    return maxFutureTimestamp(topic.admin, topic.name);
  };
  expect(await maxFutureTimestamp(topic.admin, topic.name)).toBe(HOUR);
  expect(await withSetting('message.timestamp.after.max.ms', '5000')).toBe(5000);
  expect(
    await withSetting('message.timestamp.after.max.ms', '9223372036854775807'),
  ).toBeUndefined();
  expect(await withSetting('message.timestamp.type', 'LogAppendTime')).toBe(0);
});

test('marks are read from the oldest letter on that is asked about', async () => {
  const now = Date.now() - 10 * DAY;
  const letters = [now, now + 5 * DAY].map((writtenAt, offset) => {
    const headers = headersFor(BigInt(offset), writtenAt);
    const letter = storedDeadLetter(
      0,
      consumedMessage('bad', { offset: String(offset), timestamp: String(writtenAt), headers }),
    );
    if (!letter) throw new Error('not a dead letter');
    return letter;
  });
  await send(
    place.marksTopic,
    letters.map((letter) => {
      const { key, value } = replayMark(letter);
      return { key: String(key), value: String(value), timestamp: letter.writtenAt + HOUR };
    }),
  );
  const all = await readReplayMarks(place);
  expect(letters.map(all)).toEqual([true, true]);
  const some = await readReplayMarks(place, now + 5 * DAY);
  expect(letters.map(some)).toEqual([false, true]);
});
