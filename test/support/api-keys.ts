import { generateKeyPairSync, sign } from 'node:crypto';

/** What signs the API keys of a secured Temporal server: JSON Web Tokens. */
export interface ApiKeys {
  /** The JSON Web Key Set that the server needs. */
  readonly keySet: object;
  /** An API key with permissions such as `default:write`. */
  issue(permissions: readonly string[], validForMs?: number): string;
}

const KEY_ID = 'test';
const HOUR_MS = 3_600_000;

export function createApiKeys(): ApiKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    keySet: {
      keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }],
    },
    issue(permissions, validForMs = HOUR_MS) {
      const exp = Math.floor((Date.now() + validForMs) / 1000);
      const signed = `${encode({ alg: 'ES256', typ: 'JWT', kid: KEY_ID })}.${encode({ sub: 'test', permissions, exp })}`;
      const signature = sign('sha256', Buffer.from(signed), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}
