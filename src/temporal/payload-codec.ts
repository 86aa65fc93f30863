import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { OperatorError } from '../program/operator-error.ts';
import type { PayloadKeyRing } from './payload-keys.ts';

/** How Temporal's samples of an encrypting codec mark its payloads: codec servers and tools recognize them. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** No ID in TEMPORAL_PAYLOAD_KEYS is longer. What else a payload may claim must not fill logs and memory. */
const MAX_KEY_ID_BYTES = 64;

const PayloadMessage = proto.temporal.api.common.v1.Payload;

/**
 * Encrypts each payload as a whole, with its metadata, with AES-256-GCM: the data of the result is the nonce, the
 * ciphertext and the tag. The ID of the key is in the metadata, and authenticated. Payloads that are not encrypted
 * are decoded as they are: they are from before encryption was switched on, or after it was switched off.
 *
 * Synchronous cryptography: for payloads of some kilobytes, it takes a few microseconds, less than what it costs to
 * have Node.js do it in another thread.
 */
export class EncryptionCodec implements PayloadCodec {
  readonly keys: PayloadKeyRing;

  constructor(keys: PayloadKeyRing) {
    this.keys = keys;
  }

  // Rejects instead of throwing, as the SDK's interface has it.
  // eslint-disable-next-line @typescript-eslint/require-await
  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.#encrypt(payload));
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.#decrypt(payload) : payload));
  }

  #encrypt(payload: Payload): Payload {
    const encrypting = this.keys.encrypting;
    if (!encrypting) return payload;
    const { id, key } = encrypting;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(authenticatedData(id));
    const data = Buffer.concat([
      nonce,
      cipher.update(PayloadMessage.encode(payload).finish()),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return { metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) }, data };
  }

  #decrypt({ metadata, data }: Payload): Payload {
    const id = textOf(metadata?.[KEY_ID]?.subarray(0, MAX_KEY_ID_BYTES));
    if (!data || data.length < NONCE_BYTES + TAG_BYTES) throw undecodable(id, 'it is too short');
    const { key } = this.keys.find(id);
    const decipher = createDecipheriv(CIPHER, key, data.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(authenticatedData(id));
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    let plain: Buffer;
    try {
      const ciphertext = data.subarray(NONCE_BYTES, -TAG_BYTES);
      plain = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    } catch {
      // The cause of Node.js says no more.
      throw undecodable(id, 'it was changed, or another key has the same ID');
    }
    return PayloadMessage.decode(plain);
  }
}

export const isEncrypted = ({ metadata }: Payload): boolean =>
  textOf(metadata?.['encoding']) === ENCODING;

const textOf = (bytes: Uint8Array | null | undefined): string =>
  bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString() : '';

/** Distinguishes payloads from anything else that the same key may have encrypted. */
const authenticatedData = (keyId: string): Buffer => Buffer.from(`${ENCODING}\n${keyId}`);

const undecodable = (keyId: string, why: string) =>
  new OperatorError(
    'PAYLOAD_UNDECODABLE',
    `A payload in Temporal that is encrypted with the key "${keyId}" cannot be decrypted: ${why}`,
    'check that TEMPORAL_PAYLOAD_KEYS has the same key under this ID everywhere, and who may write to Temporal and its database',
  );
