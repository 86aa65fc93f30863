import type { FetchedMessage, FetchedPartition } from 'kafkajs/src/broker/index.js';
import filterAbortedMessages from 'kafkajs/src/consumer/filterAbortedMessages.js';
import { filterAborted } from '../../../../src/kafka/patches/aborted-transactions.ts';

const ABORT = Buffer.from([0, 0, 0, 0]);
const COMMIT = Buffer.from([0, 0, 0, 1]);

let offset = 0;
beforeEach(() => (offset = 0));

const next = () => String(offset++);
const sent = (producerId: string, key: Buffer | null = null): FetchedMessage => ({
  offset: next(),
  key,
  batchContext: { producerId, inTransaction: true },
});
const plain = (producerId = '-1'): FetchedMessage => ({
  offset: next(),
  key: null,
  batchContext: { producerId, inTransaction: false },
});
const marker = (producerId: string, key: Buffer): FetchedMessage => ({
  ...sent(producerId, key),
  isControlRecord: true,
});

type Aborted = readonly (readonly [producerId: string, firstOffset: number])[];

const partitionOf = (messages: readonly FetchedMessage[], aborted: Aborted): FetchedPartition => ({
  messages,
  abortedTransactions: aborted.map(([producerId, first]) => ({
    producerId,
    firstOffset: String(first),
  })),
});

const offsetsOf = (messages: readonly FetchedMessage[]) =>
  messages.filter((one) => !one.isControlRecord).map((one) => Number(one.offset));

/** The offsets of the messages that an application receives. */
function visible(messages: readonly FetchedMessage[], aborted: Aborted): readonly number[] {
  filterAborted(partitionOf(messages, aborted));
  return offsetsOf(messages);
}

// Once kafkajs hides both, the patch is not needed any more.
test('kafkajs by itself shows aborted messages after the key 0, and those of a second transaction', () => {
  const byKafkajs = (messages: readonly FetchedMessage[], aborted: Aborted) =>
    offsetsOf(filterAbortedMessages(partitionOf(messages, aborted)));
  const afterKey = [sent('1', ABORT), sent('1'), marker('1', ABORT)];
  expect(byKafkajs(afterKey, [['1', 0]])).toEqual([0, 1]);
  offset = 50;
  const withinTwo = [sent('2'), sent('1'), marker('2', ABORT), sent('1'), marker('1', ABORT)];
  expect(
    byKafkajs(withinTwo, [
      ['1', 10],
      ['2', 20],
    ]),
  ).toEqual([50]);
});

test('aborted messages are hidden, committed ones and those outside a transaction are not', () => {
  const messages = [sent('1'), plain(), sent('2'), marker('1', ABORT), marker('2', COMMIT)];
  expect(visible(messages, [['1', 0]])).toEqual([1, 2]);
});

test('transactions of the same producer that were committed before or after are shown', () => {
  const messages = [
    ...[sent('1'), marker('1', COMMIT)],
    ...[sent('1'), marker('1', ABORT)],
    ...[sent('1'), marker('1', COMMIT)],
  ];
  expect(visible(messages, [['1', 2]])).toEqual([0, 4]);
});

test('a message with the key of an abort marker ends no transaction, and is hidden itself', () => {
  const messages = [sent('1', ABORT), sent('1'), marker('1', ABORT), plain()];
  expect(visible(messages, [['1', 0]])).toEqual([3]);
});

test('a fetch that begins within two aborted transactions hides both', () => {
  offset = 50;
  const messages = [sent('2'), sent('1'), marker('2', ABORT), sent('1'), marker('1', ABORT)];
  expect(
    visible(messages, [
      ['1', 10],
      ['2', 20],
    ]),
  ).toEqual([]);
});

test('the order in which the broker lists the aborted transactions does not matter', () => {
  const messages = [sent('1'), sent('2'), marker('2', ABORT), sent('1'), marker('1', ABORT)];
  expect(
    visible(messages, [
      ['2', 1],
      ['1', 0],
    ]),
  ).toEqual([]);
});

test('messages without a transaction, or in an older format, are shown', () => {
  const messages = [sent('1'), plain('1'), { offset: next(), key: null }, marker('1', ABORT)];
  expect(visible(messages, [['1', 0]])).toEqual([1, 2]);
});
