import kafkajs from 'kafkajs';
import { sendCompressed } from '../../../src/kafka/producer.ts';

const { None, GZIP } = kafkajs.CompressionTypes;
const message = (size: number) => ({ key: null, value: Buffer.alloc(size) });
const rejection = (type: string) => Object.assign(new Error(type), { type });

/** The compressions that are tried with a broker that rejects uncompressed requests with this error. */
async function tried(size: number, error?: Error) {
  const compressions: kafkajs.CompressionTypes[] = [];
  const sending = sendCompressed([message(size)], (compression) => {
    compressions.push(compression);
    return error && compression === None ? Promise.reject(error) : Promise.resolve();
  });
  return { compressions, outcome: await sending.catch((failure: unknown) => failure) };
}

test('sends small messages uncompressed and large ones compressed', async () => {
  expect((await tried(1000)).compressions).toEqual([None]);
  expect((await tried(600_000)).compressions).toEqual([GZIP]);
});

test('compresses messages that the broker rejects as too large', async () => {
  expect(await tried(1000, rejection('MESSAGE_TOO_LARGE'))).toEqual({
    compressions: [None, GZIP],
    outcome: undefined,
  });
});

test('throws any other error', async () => {
  const error = rejection('NOT_ENOUGH_REPLICAS');
  expect(await tried(1000, error)).toEqual({ compressions: [None], outcome: error });
});
