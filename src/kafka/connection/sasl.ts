import type { AuthenticationProviderArgs, Mechanism, SASLOptions } from 'kafkajs';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import type { KafkaSettings } from '../kafka-client.ts';
import { mskIamTokens } from './msk-iam-tokens.ts';
import { endpointTokens, type TokenSource } from './oauth-tokens.ts';

/**
 * How a client logs in to each broker. Passwords and tokens are read again for each login, so that rotated ones
 * are used without a restart.
 */
export function saslOptions(settings: KafkaSettings): { sasl?: SASLOptions | Mechanism } {
  const { saslMechanism: mechanism } = settings;
  switch (mechanism) {
    case undefined:
      return {};
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512': {
      const { saslUsername = '', saslPassword } = settings;
      const sasl = {
        mechanism,
        username: saslUsername,
        // kafkajs reads it at each login.
        get password() {
          return saslPassword?.current() ?? '';
        },
      };
      // kafkajs's type is a union over the mechanisms, one object type for each.
      return { sasl: sasl as SASLOptions };
    }
    case 'oauthbearer':
      return { sasl: oauthBearer(oauthTokens(settings), settings.oauthExtensions) };
    case 'aws-msk-iam':
      return { sasl: oauthBearer(mskIamTokens(settings.awsRegion)) };
    default:
      return mechanism satisfies never;
  }
}

/** What a login sends over an unencrypted connection so that others could use it; SCRAM sends nothing of use. */
export function inTheClear({ ssl, saslMechanism }: KafkaSettings): string | undefined {
  if (ssl) return undefined;
  if (saslMechanism === 'plain') return 'the password of Kafka (plain)';
  if (saslMechanism === 'oauthbearer' || saslMechanism === 'aws-msk-iam') {
    return `the token for Kafka (${saslMechanism})`;
  }
  return undefined;
}

function oauthTokens(settings: KafkaSettings): TokenSource {
  const { oauthToken, oauthTokenEndpoint, oauthClientId, oauthClientSecret } = settings;
  if (oauthTokenEndpoint === undefined || oauthClientId === undefined || !oauthClientSecret) {
    return { token: () => Promise.resolve(oauthToken?.current() ?? ''), reject: () => undefined };
  }
  return endpointTokens({
    endpoint: new URL(oauthTokenEndpoint),
    clientId: oauthClientId,
    clientSecret: () => oauthClientSecret.current(),
    scope: settings.oauthScope,
    caFile: settings.oauthCaFile,
    timeoutMs: settings.authenticationTimeoutMs,
  });
}

/** The broker has rejected a login. kafkajs does not try again after an error with `retriable: false`. */
class SaslAuthenticationError extends Error {
  // Like kafkajs's own, by which it is recognized.
  override readonly name = 'KafkaJSSASLAuthenticationError';
  readonly retriable = false;
}

/** Separates the parts of a message of OAUTHBEARER (RFC 7628). */
const SEPARATOR = '\x01';

/**
 * SASL with a bearer token (RFC 7628). kafkajs 2.2.4 has it too, but ignores the answer in which a broker says
 * why it rejects the token, and takes the login for a success.
 */
function oauthBearer(
  tokens: TokenSource,
  extensions: Readonly<Record<string, string>> = {},
): Mechanism {
  const login = async ({ saslAuthenticate }: AuthenticationProviderArgs) => {
    const send = async (text: string) =>
      (await saslAuthenticate({
        request: { encode: () => withSize(text) },
        response: { decode: (answer) => answer, parse: withoutSize },
      })) ?? '';
    const token = await tokens.token();
    const parts = [
      'n,,',
      `auth=Bearer ${token}`,
      ...Object.entries(extensions).map(([key, value]) => `${key}=${value}`),
    ];
    const rejected = (reason: string, options?: ErrorOptions) => {
      tokens.reject(token);
      return new SaslAuthenticationError(
        `SASL OAUTHBEARER authentication failed: ${reason}`,
        options,
      );
    };
    // Some brokers accept it, and close the connection at the next request without a reason.
    const expiry = expiryOf(token);
    if (expiry !== undefined && expiry.getTime() <= Date.now()) {
      throw rejected(`the token has expired, at ${expiry.toISOString()}`);
    }
    let answer: string;
    try {
      answer = await send(`${parts.join(SEPARATOR)}${SEPARATOR}${SEPARATOR}`);
    } catch (error) {
      // A connection that has been lost says nothing about the token.
      if (!isRejection(error)) throw error;
      throw rejected(describeError(error), { cause: error });
    }
    if (answer === '') return;
    // The broker waits for this before it ends the login with an error.
    await send(SEPARATOR).catch(() => undefined);
    throw rejected(`the broker rejects the token: ${answer}`);
  };
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: (parts) => ({ authenticate: () => login(parts) }),
  };
}

/** Undefined for a token that is no JSON Web Token (RFC 7519), or has no time of expiry. */
function expiryOf(token: string): Date | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined;
    const expiry = new Date(Number(claims.exp) * 1000);
    return Number.isNaN(expiry.getTime()) ? undefined : expiry;
  } catch {
    return undefined;
  }
}

const isRejection = (error: unknown): boolean =>
  !(error instanceof OperatorError) &&
  error instanceof Error &&
  'type' in error &&
  error.type === 'SASL_AUTHENTICATION_FAILED';

const SIZE_BYTES = 4;

/** kafkajs writes the size of what it sends as the mechanism's own message, and expects it here as well. */
function withSize(text: string): Buffer {
  const message = Buffer.from(text);
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(message.length);
  return Buffer.concat([size, message]);
}

const withoutSize = (answer: Buffer): string => answer.subarray(SIZE_BYTES).toString('utf8');
