import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultDataConverter, defaultPayloadConverter, type Payload } from '@temporalio/common';
import { FINGERPRINT_MEMO } from '../../../src/contract/workflow-metadata.ts';
import { payloadSettings, type PayloadKeys } from '../../../src/config/payload-settings.ts';
import { readSettings } from '../../../src/config/read-settings.ts';
import { EncryptionCodec } from '../../../src/temporal/payload-codec.ts';
import { PayloadKeyRing } from '../../../src/temporal/payload-keys.ts';
import { describeRun, describeWorkflow } from '../../../src/temporal/order-workflow.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

const parsed = (text: string): PayloadKeys => payloadSettings.keys.schema.parse(text);

const codecOf = (text: string | undefined, encrypts = true) => {
  const keys = text === undefined ? undefined : parsed(text);
  return new EncryptionCodec(new PayloadKeyRing({ read: () => keys, encrypts }));
};

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (payload: Payload | undefined): unknown =>
  payload && defaultPayloadConverter.fromPayload(payload);
const textOf = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();

async function encrypted(codec: EncryptionCodec, value: unknown): Promise<Payload> {
  const [payload] = await codec.encode([payloadOf(value)]);
  if (!payload) throw new Error('no payload');
  return payload;
}

const ORDER = { customer_name: 'Ada Lovelace', line_items: [{ product_id: 'P-7' }] };

test('a run whose key is missing can be listed, although it cannot be compared', async () => {
  const fingerprint = await encrypted(codecOf(newKey('old')), '2:abc');
  const info = {
    execution: { workflowId: 'order:a', runId: 'r' },
    memo: { fields: { [FINGERPRINT_MEMO]: fingerprint } },
  };
  const client = {
    options: {
      namespace: 'default',
      loadedDataConverter: { ...defaultDataConverter, payloadCodecs: [codecOf(newKey('new'))] },
    },
    workflowService: {
      describeWorkflowExecution: () => Promise.resolve({ workflowExecutionInfo: info }),
    },
  };
  const place = { client: client as never, workflowIdPrefix: 'order:', workflowIdKey: undefined };
  const call = { call: <Result>(work: () => Promise<Result>) => work() };
  await expect(describeRun(place, 'order:a', call)).resolves.toMatchObject({ orderId: 'a' });
  await expect(describeWorkflow(place, 'order:a', call)).rejects.toMatchObject({
    code: 'PAYLOAD_KEY_UNKNOWN',
  });
});

describe('an encrypted payload', () => {
  const [a, b] = [newKey('a'), newKey('b')];

  test('hides the value and its encoding, names its key, and is decoded to the same payload', async () => {
    const codec = codecOf(a);
    const payload = await encrypted(codec, ORDER);
    expect(Object.keys(payload.metadata ?? {})).toEqual(['encoding', 'encryption-key-id']);
    expect(textOf(payload.metadata?.['encoding'])).toBe('binary/encrypted');
    expect(textOf(payload.metadata?.['encryption-key-id'])).toBe('a');
    expect(textOf(payload.data)).not.toMatch(/Lovelace|json\/plain/);
    const [decoded] = await codec.decode([payload]);
    expect(valueOf(decoded)).toEqual(ORDER);
    expect(textOf(decoded?.metadata?.['encoding'])).toBe('json/plain');
  });

  test('differs each time', async () => {
    const codec = codecOf(a);
    const [one, two] = [await encrypted(codec, ORDER), await encrypted(codec, ORDER)];
    expect(textOf(one.data)).not.toBe(textOf(two.data));
  });

  test('is decoded with its own key, whichever key encrypts now', async () => {
    const payload = await encrypted(codecOf(a), ORDER);
    const [decoded] = await codecOf(`${b},${a}`).decode([payload]);
    expect(valueOf(decoded)).toEqual(ORDER);
  });

  test.each([
    ['a bit of the data', (payload: Payload) => flip(payload, 20)],
    ['a bit of the nonce', (payload: Payload) => flip(payload, 0)],
    ['a bit of the tag', (payload: Payload) => flip(payload, (payload.data?.length ?? 0) - 1)],
    [
      'the end',
      (payload: Payload) => ({ ...payload, data: payload.data?.subarray(0, -1) ?? null }),
    ],
    ['all', (payload: Payload) => ({ ...payload, data: new Uint8Array(5) })],
  ])('is rejected when %s was changed', async (_, change) => {
    const codec = codecOf(a);
    const payload = change(await encrypted(codec, ORDER));
    await expect(codec.decode([payload])).rejects.toMatchObject({ code: 'PAYLOAD_UNDECODABLE' });
  });

  test('is rejected when it names another key ID with the same key', async () => {
    const payload = await encrypted(codecOf(a), ORDER);
    const renamed = {
      ...payload,
      metadata: { ...payload.metadata, 'encryption-key-id': Buffer.from('b') },
    };
    const sameKey = a.replace('a:', 'b:');
    await expect(codecOf(`${a},${sameKey}`).decode([renamed])).rejects.toMatchObject({
      code: 'PAYLOAD_UNDECODABLE',
    });
  });

  test.each([[undefined], [b]])('names the key that is missing', async (keys) => {
    const payload = await encrypted(codecOf(a), ORDER);
    const codec = codecOf(keys);
    await expect(codec.decode([payload])).rejects.toMatchObject({
      code: 'PAYLOAD_KEY_UNKNOWN',
      message: expect.stringContaining('"a"'),
    });
    expect(codec.keys.unknownKeys()).toContain('"a"');
  });
});

const flip = (payload: Payload, index: number): Payload => {
  const data = Buffer.from(payload.data ?? []);
  data[index] = (data[index] ?? 0) ^ 1;
  return { ...payload, data };
};

test('a payload that is not encrypted is decoded as it is', async () => {
  const payload = payloadOf(ORDER);
  expect(await codecOf(newKey('a')).decode([payload])).toEqual([payload]);
  expect(await codecOf(undefined).decode([payload])).toEqual([payload]);
});

test('without keys, or switched off, nothing is encrypted', async () => {
  const payload = payloadOf(ORDER);
  expect(await codecOf(undefined).encode([payload])).toEqual([payload]);
  expect(await codecOf(newKey('a'), false).encode([payload])).toEqual([payload]);
});

describe('a rotation', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'payload-keys-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** Keys in a file that changes, and the time. */
  function createRotating(first: string) {
    const name = path.join(folder, randomUUID());
    const file = {
      reads: 0,
      write(text: string) {
        writeFileSync(name, text);
      },
    };
    file.write(first);
    const env = { TEMPORAL_PAYLOAD_KEYS_FILE: name };
    const secret = readSettings({ payload: payloadSettings }, env).payload.keys;
    const clock = createManualClock();
    const keys = new PayloadKeyRing({
      encrypts: true,
      clock,
      read: () => {
        file.reads += 1;
        return secret?.current();
      },
    });
    return { file, clock, codec: new EncryptionCodec(keys) };
  }

  const [a, b] = [newKey('a'), newKey('b')];
  const keyIdOf = ({ metadata }: Payload) => textOf(metadata?.['encryption-key-id']);

  test('is noticed within seconds, by what encrypts', async () => {
    const { file, clock, codec } = createRotating(a);
    expect(keyIdOf(await encrypted(codec, ORDER))).toBe('a');
    file.write(`${b},${a}`);
    clock.advance(5000);
    expect(keyIdOf(await encrypted(codec, ORDER))).toBe('b');
  });

  test('is noticed at once when a payload names the new key, but the file is not read for each payload', async () => {
    const { file, clock, codec } = createRotating(a);
    const payload = await encrypted(codecOf(b), ORDER);
    clock.advance(1000);
    await expect(codec.decode([payload])).rejects.toMatchObject({ code: 'PAYLOAD_KEY_UNKNOWN' });
    const { reads } = file;
    await expect(codec.decode([payload])).rejects.toMatchObject({ code: 'PAYLOAD_KEY_UNKNOWN' });
    expect(file.reads).toBe(reads);
    expect(codec.keys.unknownKeys()).toContain('"b"');
    file.write(`${a} ${b}\n`);
    clock.advance(1000);
    expect(valueOf((await codec.decode([payload]))[0])).toEqual(ORDER);
    expect(codec.keys.unknownKeys()).toBeUndefined();
  });

  test('that writes an invalid file leaves the last keys in use, and an unknown key names the mistake', async () => {
    const { file, clock, codec } = createRotating(a);
    file.write('broken');
    clock.advance(5000);
    expect(keyIdOf(await encrypted(codec, ORDER))).toBe('a');
    await expect(codec.decode([await encrypted(codecOf(b), ORDER)])).rejects.toThrow(/id:base64/);
  });

  test('an unknown key is forgotten once no payload has named it for a quarter of an hour', async () => {
    const { clock, codec } = createRotating(a);
    await expect(codec.decode([await encrypted(codecOf(b), ORDER)])).rejects.toThrow();
    clock.advance(899_000);
    expect(codec.keys.unknownKeys()).toContain('"b"');
    clock.advance(2000);
    expect(codec.keys.unknownKeys()).toBeUndefined();
  });
});
