import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { choice, settingGroup } from './setting.ts';

/** A key of AES-256-GCM and the ID under which payloads name it. */
export interface PayloadKey {
  readonly id: string;
  /** A `KeyObject`, because it shows nothing of the key when it is printed. */
  readonly key: KeyObject;
}

/** At least one. The first encrypts. */
export type PayloadKeys = readonly [PayloadKey, ...PayloadKey[]];

const KEY_BYTES = 32;
const KEY_COMMAND = 'make one with `openssl rand -base64 32`';

/**
 * `id:base64,id:base64`. White space separates them too, so that a file can have one key per line. A mistake names
 * the position of the key and its length, never a part of the text: it may be the key itself.
 */
const payloadKeys = z.string().transform((value, context): PayloadKeys => {
  const keys: PayloadKey[] = [];
  const add = (message: string) => {
    context.addIssue({ code: 'custom', message });
  };
  for (const [index, entry] of value
    .split(/[\s,]+/)
    .filter(Boolean)
    .entries()) {
    const [, id, text] = /^([A-Za-z0-9._-]{1,64}):(.*)$/.exec(entry) ?? [];
    if (id === undefined || text === undefined) {
      add(
        `key ${index + 1} must be id:base64, with an ID of 1 to 64 letters, digits, dots, hyphens or underscores`,
      );
      continue;
    }
    const bytes = bytesOf(text);
    if (bytes?.length === KEY_BYTES) {
      if (keys.some((key) => key.id === id)) add(`two keys have the ID "${id}"`);
      else keys.push({ id, key: createSecretKey(bytes) });
    } else {
      add(
        bytes
          ? `the key "${id}" has ${bytes.length} bytes instead of ${KEY_BYTES}; ${KEY_COMMAND}`
          : `the key "${id}" is not base64; ${KEY_COMMAND}`,
      );
    }
  }
  const [first, ...others] = keys;
  if (first) return [first, ...others];
  if (context.issues.length === 0) add(`expected id:base64; ${KEY_COMMAND}`);
  return z.NEVER;
});

/** The bytes of base64, with or without padding, or of base64url; undefined for anything else. */
function bytesOf(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}

const hashKey = z.string().transform((value, context) => {
  const bytes = bytesOf(value.trim());
  if (bytes && bytes.length >= KEY_BYTES) return createSecretKey(bytes);
  context.addIssue({
    code: 'custom',
    message: `expected base64 of at least ${KEY_BYTES} bytes; ${KEY_COMMAND}`,
  });
  return z.NEVER;
});

/** The encryption of what Temporal stores. Every program and tool that connects to Temporal reads it. */
export const payloadSettings = settingGroup({
  keys: {
    name: 'TEMPORAL_PAYLOAD_KEYS',
    schema: payloadKeys,
    optional: true,
    secret: true,
    unsetMeans: 'payloads are not encrypted',
    description:
      'Keys that encrypt the payloads in Temporal, as `id:base64,id:base64`, or one per line of the file: 32 random bytes each, from `openssl rand -base64 32`. The first one encrypts; all of them decrypt. Give every program and tool the same keys. The file is read again when it has changed, so that a rotation needs no restart. See [security.md](security.md#payload-encryption).',
  },
  encryption: {
    name: 'TEMPORAL_PAYLOAD_ENCRYPTION',
    schema: choice(['on', 'off']),
    default: 'on',
    description:
      'Whether the first key of `TEMPORAL_PAYLOAD_KEYS` encrypts new payloads. `off` only decrypts: for the time in which not all programs have the keys yet, and after encryption has been switched off.',
  },
  workflowIdKey: {
    name: 'WORKFLOW_ID_HASH_KEY',
    schema: hashKey,
    optional: true,
    secret: true,
    unsetMeans: 'workflow IDs contain the order ID',
    description:
      'Key that replaces the order ID in workflow IDs by its HMAC-SHA256, for order IDs that nobody may read in Temporal. Base64 of 32 random bytes, the same for every program and tool, and never changed: with another key, every order gets another workflow ID. It needs `TEMPORAL_PAYLOAD_KEYS`. See [security.md](security.md#order-ids-in-workflow-ids).',
  },
});

/** Mistakes in the combination of settings that are valid by themselves. */
export const payloadMistakes = ({
  keys,
  workflowIdKey,
}: {
  readonly keys?: unknown;
  readonly workflowIdKey?: unknown;
}): readonly string[] =>
  workflowIdKey !== undefined && keys === undefined
    ? [
        'WORKFLOW_ID_HASH_KEY needs valid TEMPORAL_PAYLOAD_KEYS: without them, the order ID is readable in the input of the workflow',
      ]
    : [];
