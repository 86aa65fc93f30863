import pg from 'pg';
import {
  isSocketFolder,
  parseDatabaseUrl,
  type DatabaseHost,
  type DatabaseUrl,
} from '../config/database-url.ts';
import { OperatorError } from '../program/operator-error.ts';
import { connectionError, isWorthAnotherHost, noHostError } from './connection-error.ts';
import { APPLICATION_NAME } from './sessions.ts';
import { fallsBack, isWithoutTls, tlsAttempts, tlsOptions, type TlsAttempt } from './tls.ts';

export interface ConnectOptions {
  /** A URL, or the setting that holds it, which is read again for every connection. */
  readonly url: string | { current(): string };
  /** How long one host may take to accept a connection. */
  readonly connectTimeoutMs: number;
  /** How long the program waits for an answer to a statement. Default: without a limit. */
  readonly queryTimeoutMs?: number;
}

/** An open connection, and the URL that was current when it was opened. */
export interface Connected {
  readonly client: pg.Client;
  readonly url: DatabaseUrl;
}

/**
 * Returns a function that opens a connection with the URL, the password and the certificates of that moment. It
 * tries the hosts of the URL in their order, the one that has accepted the last connection first, until one
 * accepts the connection and has the state that `target_session_attrs` asks for. Throws an OperatorError.
 */
export function createConnector(options: ConnectOptions): () => Promise<Connected> {
  let lastHost: string | undefined;
  return async () => {
    const url = parseDatabaseUrl(currentUrl(options.url));
    const failures: OperatorError[] = [];
    const hosts = url.hosts.map((host) => ({ host, name: nameOf(host) }));
    // The sort is stable.
    hosts.sort((a, b) => Number(b.name === lastHost) - Number(a.name === lastHost));
    for (const { host, name } of hosts) {
      try {
        const client = await connectToHost(url, host, options);
        lastHost = name;
        return { client, url };
      } catch (error) {
        failures.push(connectionError(name, error, url));
        if (!isWorthAnotherHost(error)) break;
      }
    }
    throw noHostError(failures);
  };
}

const currentUrl = (url: ConnectOptions['url']): string =>
  typeof url === 'string' ? url : url.current();

/** How long it may take to open a connection: each host has a time limit of its own. */
export const longestConnectMs = ({ url, connectTimeoutMs }: ConnectOptions): number =>
  parseDatabaseUrl(currentUrl(url)).hosts.length * connectTimeoutMs;

const nameOf = ({ host = 'the default host', port }: DatabaseHost): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;

/** With `sslmode=prefer` and `allow`, another attempt can follow. Throws the error of the most telling one. */
async function connectToHost(
  url: DatabaseUrl,
  host: DatabaseHost,
  options: ConnectOptions,
): Promise<pg.Client> {
  const deadline = performance.now() + options.connectTimeoutMs;
  const attempts = isSocketFolder(host.host) ? (['plain'] as const) : tlsAttempts(url);
  let firstError: unknown;
  for (const [index, attempt] of attempts.entries()) {
    const timeoutMs = Math.max(1, deadline - performance.now());
    try {
      return await connectOnce(url, host, attempt, timeoutMs, options);
    } catch (error) {
      if (index > 0 && !isWithoutTls(firstError)) throw firstError;
      firstError = error;
      if (attempts.length === 1 || !fallsBack(attempt, error)) throw error;
    }
  }
  throw firstError;
}

async function connectOnce(
  url: DatabaseUrl,
  { host, port }: DatabaseHost,
  attempt: TlsAttempt,
  timeoutMs: number,
  { queryTimeoutMs }: ConnectOptions,
): Promise<pg.Client> {
  const { user, password, database } = url;
  const client = new pg.Client({
    application_name: APPLICATION_NAME,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
    keepAlive: true,
    ...url.session,
    ...withoutUndefined({ host, port, user, password, database }),
    connectionTimeoutMillis: timeoutMs,
    enableChannelBinding: url.bindsChannel,
    ...(attempt === 'plain'
      ? { ssl: false }
      : { ssl: tlsOptions(url, attempt), sslnegotiation: url.sslNegotiation }),
  });
  // An error event between two queries would end the process; the next query reports the error anyway.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await checkTargetSession(client, url.targetSession);
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

const withoutUndefined = <Values extends object>(values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Values]?: Exclude<Values[Key], undefined>;
  };

/** Throws an OperatorError unless the session is what `target_session_attrs` asks for. */
async function checkTargetSession(
  client: pg.Client,
  target: DatabaseUrl['targetSession'],
): Promise<void> {
  if (target === 'any') return;
  const { rows } = await client.query<{ is_standby: boolean; is_read_only: boolean }>(
    `SELECT pg_is_in_recovery() AS is_standby,
       current_setting('transaction_read_only') = 'on' AS is_read_only`,
  );
  const [state] = rows;
  if (!state) throw new Error('Postgres returned no row');
  if (!state.is_standby && (target === 'primary' || !state.is_read_only)) return;
  throw new OperatorError(
    'DATABASE_NOT_WRITABLE',
    state.is_standby
      ? 'it is a standby, which accepts no writes'
      : 'it is read-only (default_transaction_read_only is on)',
    'promote a standby, or add the host of the primary to DATABASE_URL',
  );
}
