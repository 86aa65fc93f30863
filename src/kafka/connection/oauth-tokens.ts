import http from 'node:http';
import https from 'node:https';
import { z } from 'zod';
import { readPem } from '../../config/pem-file.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';

/** Where bearer tokens come from. */
export interface TokenSource {
  /** A token that is valid now. */
  token(): Promise<string>;
  /** The broker has rejected this token, so that it is not used again. */
  reject(token: string): void;
}

export interface TokenEndpoint {
  readonly endpoint: URL;
  readonly clientId: string;
  /** Read for each request, because it can be rotated. */
  readonly clientSecret: () => string;
  readonly scope: string | undefined;
  readonly caFile: string | undefined;
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Leaves time to log in, and for clocks that differ. */
const USED_SHARE_OF_LIFETIME = 0.8;
/** The time in a token has no fractions of a second, so that it can expire this much earlier than stated. */
const ROUNDING_SECONDS = 1;

/** Far more than any token. */
const MAX_ANSWER_BYTES = 1_048_576;

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  /** Seconds. Some servers write a string. */
  expires_in: z.coerce.number().nonnegative().optional(),
});

/** RFC 6749, section 5.2. The description may be a long text with line breaks. */
const errorAnswer = z.object({
  error: z.string(),
  error_description: z.string().optional(),
});

/**
 * Requests tokens with the client credentials grant (RFC 6749, section 4.4). A token is used for all logins until
 * most of its lifetime is over; one without a stated lifetime is used once. Concurrent logins share a request.
 */
export function endpointTokens(options: TokenEndpoint): TokenSource {
  const now = options.now ?? Date.now;
  let current: { readonly token: string; readonly until: number } | undefined;
  let request: Promise<string> | undefined;
  const refresh = async () => {
    const requestedAt = now();
    const { access_token: token, expires_in: seconds = 0 } = await requestToken(options);
    const certain = Math.max(0, seconds - ROUNDING_SECONDS);
    current = { token, until: requestedAt + certain * 1000 * USED_SHARE_OF_LIFETIME };
    return token;
  };
  return {
    token() {
      if (current && now() < current.until) return Promise.resolve(current.token);
      request ??= refresh().finally(() => {
        request = undefined;
      });
      return request;
    },
    reject(token) {
      if (current?.token === token) current = undefined;
    },
  };
}

async function requestToken(options: TokenEndpoint): Promise<z.output<typeof tokenAnswer>> {
  const { status, body } = await post(options);
  const json = parseJson(body);
  const answer = tokenAnswer.safeParse(json);
  if (status === 200 && answer.success) return answer.data;
  const failure = errorAnswer.safeParse(json);
  if (failure.success) {
    const { error, error_description: description } = failure.data;
    const reason = printable(`${error}${description === undefined ? '' : `: ${description}`}`);
    throw failed(options, `it answered with status ${status}, ${reason}`);
  }
  const what = status === 200 ? 'without a token' : `with status ${status}`;
  throw failed(options, `it answered ${what}`);
}

async function post(options: TokenEndpoint): Promise<{ status: number; body: string }> {
  const { endpoint, clientId, scope, caFile, timeoutMs } = options;
  const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(options.clientSecret())}`;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
  }).toString();
  const ca = readPem('KAFKA_SASL_OAUTHBEARER_CA_FILE', caFile);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await new Promise((resolve, reject) => {
      const { request } = endpoint.protocol === 'https:' ? https : http;
      const sent = request(endpoint, {
        method: 'POST',
        // Requests are hours apart.
        agent: false,
        ...(ca === undefined ? {} : { ca }),
        signal,
        headers: {
          accept: 'application/json',
          authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(form),
        },
      });
      sent.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          body += part;
          if (body.length > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body });
        });
      });
      sent.on('error', reject);
      sent.end(form);
    });
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${timeoutMs} ms` : describeError(error);
    throw failed(options, reason, error);
  }
}

function failed({ endpoint }: TokenEndpoint, reason: string, cause?: unknown): OperatorError {
  // A query may hold a key.
  const url = `${endpoint.origin}${endpoint.pathname}`;
  return new OperatorError(
    'KAFKA_TOKEN_UNAVAILABLE',
    `No token for Kafka from ${url}: ${reason}`,
    'check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, _CLIENT_ID, _CLIENT_SECRET, _SCOPE and _CA_FILE, and that the authorization server is running',
    { cause },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300);
