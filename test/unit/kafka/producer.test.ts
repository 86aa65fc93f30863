import kafkajs from 'kafkajs';
import { sendCompressed } from '../../../src/kafka/producer.ts';

const { None, GZIP } = kafkajs.CompressionTypes;
const message = (size: number) => ({ key: null, value: Buffer.alloc(size) });
const refusal = (type: string) => Object.assign(new Error(type), { type });

/** The compressions that were tried, by a broker that answers an uncompressed request with this. */
async function tried(size: number, error?: Error) {
  const compressions: kafkajs.CompressionTypes[] = [];
  const sending = sendCompressed([message(size)], (compression) => {
    compressions.push(compression);
    return error && compression === None ? Promise.reject(error) : Promise.resolve();
  });
  return { compressions, outcome: await sending.catch((failure: unknown) => failure) };
}

test('small messages are sent as they are, large ones compressed', async () => {
  expect((await tried(1000)).compressions).toEqual([None]);
  expect((await tried(600_000)).compressions).toEqual([GZIP]);
});

test('what is too large as it is is sent compressed', async () => {
  expect(await tried(1000, refusal('MESSAGE_TOO_LARGE'))).toEqual({
    compressions: [None, GZIP],
    outcome: undefined,
  });
});

test('any other error is thrown', async () => {
  const error = refusal('NOT_ENOUGH_REPLICAS');
  expect(await tried(1000, error)).toEqual({ compressions: [None], outcome: error });
});
