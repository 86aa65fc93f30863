import {
  filterAborted,
  type FetchedMessage,
} from '../../../../src/kafka/patches/aborted-transactions.ts';

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

/** The offsets of the messages that an application gets to see. */
function visible(
  messages: readonly FetchedMessage[],
  aborted: readonly (readonly [producerId: string, firstOffset: number])[],
): readonly number[] {
  filterAborted({
    messages,
    abortedTransactions: aborted.map(([producerId, first]) => ({
      producerId,
      firstOffset: String(first),
    })),
  });
  return messages.filter((one) => !one.isControlRecord).map((one) => Number(one.offset));
}

test('what is aborted is hidden, what is committed or sent without a transaction is not', () => {
  const messages = [sent('1'), plain(), sent('2'), marker('1', ABORT), marker('2', COMMIT)];
  expect(visible(messages, [['1', 0]])).toEqual([1, 2]);
});

test('a transaction of the same producer that was committed before or after is seen', () => {
  const messages = [
    ...[sent('1'), marker('1', COMMIT)],
    ...[sent('1'), marker('1', ABORT)],
    ...[sent('1'), marker('1', COMMIT)],
  ];
  expect(visible(messages, [['1', 2]])).toEqual([0, 4]);
});

test('a message whose key is that of an abort marker ends nothing, and is hidden itself', () => {
  const messages = [sent('1', ABORT), sent('1'), marker('1', ABORT), plain()];
  expect(visible(messages, [['1', 0]])).toEqual([3]);
});

test('a fetch that begins within two transactions hides both', () => {
  offset = 50;
  const messages = [sent('2'), sent('1'), marker('2', ABORT), sent('1'), marker('1', ABORT)];
  expect(
    visible(messages, [
      ['1', 10],
      ['2', 20],
    ]),
  ).toEqual([]);
});

test('it does not matter in which order the transactions are named', () => {
  const messages = [sent('1'), sent('2'), marker('2', ABORT), sent('1'), marker('1', ABORT)];
  expect(
    visible(messages, [
      ['2', 1],
      ['1', 0],
    ]),
  ).toEqual([]);
});

test('a message without a transaction, or in an older format, is seen', () => {
  const messages = [sent('1'), plain('1'), { offset: next(), key: null }, marker('1', ABORT)];
  expect(visible(messages, [['1', 0]])).toEqual([1, 2]);
});
