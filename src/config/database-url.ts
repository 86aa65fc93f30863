import { z } from 'zod';

/** A URL as libpq reads it. What would be misread or ignored is rejected. */
export const databaseUrl = z.string().superRefine((value, context) => {
  const mistake = databaseUrlMistake(value);
  if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
});

/** How to encrypt, and what to verify, as libpq defines it. `no-verify` is pg's name for `require` without a CA. */
export const SSL_MODES = [
  ...['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'],
] as const;
export type SslMode =
  'disable' | 'allow' | 'prefer' | 'require' | 'no-verify' | 'verify-ca' | 'verify-full';

const TARGET_SESSIONS = ['any', 'read-write', 'primary'] as const;
export type TargetSession = (typeof TARGET_SESSIONS)[number];

export interface DatabaseHost {
  /** A name, an address, or the folder of a Unix socket; undefined for pg's default. */
  readonly host: string | undefined;
  readonly port: number | undefined;
}

/** What a database URL says. */
export interface DatabaseUrl {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** At least one. */
  readonly hosts: readonly DatabaseHost[];
  readonly targetSession: TargetSession;
  /** Undefined if the URL leaves it to the default. */
  readonly sslMode: SslMode | undefined;
  readonly sslRootCertificate: string | undefined;
  readonly sslCertificate: string | undefined;
  readonly sslKey: string | undefined;
  readonly sslPassphrase: string | undefined;
  readonly sslNegotiation: 'postgres' | 'direct';
  /** Binds a SCRAM login to the TLS connection. */
  readonly bindsChannel: boolean;
  /** Parameters of the session, such as `application_name` and `options`. */
  readonly session: Readonly<Record<string, string>>;
}

/** What is wrong with the URL and how to write it, without any part of it that may be secret. */
export function databaseUrlMistake(value: string): string | undefined {
  const rest = /^(?:postgres|postgresql):\/\/(.*)$/s.exec(value)?.[1];
  if (rest === undefined) {
    return 'expected a URL that begins with postgres:// or postgresql://';
  }
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  return (
    reservedCharacterMistake(authority, rest.slice(authority.length)) ??
    percentMistake(rest) ??
    parameterMistake(parametersOf(rest)) ??
    (parseDatabaseUrl(value).hosts.every(isHost) ? undefined : NOT_A_URL)
  );
}

const NOT_A_URL =
  'expected postgres://user:password@host:5432/name, with commas between several hosts; encode special characters of the user name and the password, such as %2F for "/"';

/** Reads a URL in which `databaseUrlMistake` finds nothing. */
export function parseDatabaseUrl(value: string): DatabaseUrl {
  const rest = value.replace(/^\w+:\/\//, '');
  const [, authority = '', path = ''] = /^([^/?]*)(?:\/([^?]*))?/s.exec(rest) ?? [];
  const parameters = parametersOf(rest);
  const given = (name: string) => parameters.get(name) ?? undefined;
  const at = authority.lastIndexOf('@');
  const [, user = '', password = ''] =
    /^([^:]*):?(.*)$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  return {
    user: given('user') ?? decoded(user),
    password: given('password') ?? decoded(password),
    database: given('dbname') ?? decoded(path) ?? given('database'),
    hosts: hostsOf(authority.slice(at + 1), given('host'), given('port')),
    targetSession: TARGET_SESSIONS.find((name) => name === given('target_session_attrs')) ?? 'any',
    sslMode: sslModeOf(parameters),
    sslRootCertificate: given('sslrootcert'),
    sslCertificate: given('sslcert'),
    sslKey: given('sslkey'),
    sslPassphrase: given('sslpassword'),
    sslNegotiation: given('sslnegotiation') === 'direct' ? 'direct' : 'postgres',
    bindsChannel: given('enableChannelBinding') === 'true',
    session: Object.fromEntries(SESSION.flatMap((name) => entryOf(name, given(name)))),
  };
}

/**
 * A plus sign is one, as in libpq: only forms write it for a space. In `options`, a space is more likely, and is what
 * pg reads.
 */
const parametersOf = (rest: string) =>
  new URLSearchParams(
    (/\?(.*)$/s.exec(rest)?.[1] ?? '')
      .split('&')
      .map((part) => (part.startsWith('options=') ? part : part.replaceAll('+', '%2B')))
      .join('&'),
  );

const decoded = (text: string): string | undefined =>
  text === '' ? undefined : decodeURIComponent(text);

const entryOf = (name: string, value: string | undefined): [string, string][] =>
  value === undefined ? [] : [[name, value]];

/** The parameters `host` and `port` replace those of the authority. One port is that of all hosts. */
function hostsOf(
  authority: string,
  hostParameter: string | undefined,
  portParameter: string | undefined,
): readonly DatabaseHost[] {
  const ports = portParameter?.split(',');
  const portOf = (index: number, own: string | undefined) => {
    const port = (ports?.length === 1 ? ports[0] : ports?.[index]) ?? own;
    return port === undefined || port === '' ? undefined : Number(port);
  };
  return (hostParameter ?? authority).split(',').map((text, index) => {
    if (hostParameter !== undefined) {
      return { host: text === '' ? undefined : text, port: portOf(index, undefined) };
    }
    const [, bracketed, plain = '', port] = /^(?:\[(.*)\]|(.*?))(?::([^:\]]*))?$/s.exec(text) ?? [];
    return { host: decoded(bracketed ?? plain), port: portOf(index, port) };
  });
}

const isHost = ({ host, port }: DatabaseHost): boolean =>
  (port === undefined || (Number.isInteger(port) && port >= 1 && port <= 65_535)) &&
  (host === undefined ||
    isSocketFolder(host) ||
    URL.canParse(`postgres://${host.includes(':') ? `[${host}]` : host}/`));

/** As in libpq, a host that begins with a slash is the folder of a Unix socket. */
export const isSocketFolder = (host: string | undefined): boolean => host?.startsWith('/') === true;

function sslModeOf(parameters: URLSearchParams): SslMode | undefined {
  const mode = parameters.get('sslmode');
  if (mode !== null) return SSL_MODES.find((known) => known === mode);
  // As in libpq: whoever trusts the public authorities wants the host checked.
  if (parameters.get('sslrootcert') === 'system') return 'verify-full';
  const ssl = parameters.get('ssl');
  if (ssl !== null) return SSL_VALUES[ssl];
  // pg and libpq read this variable too. Without it, a connection could verify less than before.
  return SSL_MODES.find((known) => known === process.env['PGSSLMODE']);
}

/** The values of `ssl`, which is a parameter of pg. */
const SSL_VALUES: Readonly<Record<string, SslMode>> = {
  ...{ true: 'verify-full', '1': 'verify-full', false: 'disable', '0': 'disable' },
  'no-verify': 'no-verify',
};

/** `/`, `?` and `#` end the authority (user, password and host) wherever they occur. */
function reservedCharacterMistake(authority: string, rest: string): string | undefined {
  if (rest.includes('#')) return unencoded('#');
  const hasPassword = !HOSTS.test(authority);
  const path = rest.split('?')[0] ?? '';
  if (path.includes('@')) return unencoded(authority.includes('@') ? '@' : '/');
  const isCutShort = !authority.includes('@') && rest.includes('@') && hasPassword;
  return isCutShort ? unencoded(rest.startsWith('?') ? '?' : '/') : undefined;
}

/** One or several of `host`, `host:port` and `[::1]:port`. */
const HOSTS = /^(?:\[[^\]]*\]|[^:,[\]]*)(?::\d*)?(?:,(?:\[[^\]]*\]|[^:,[\]]*)(?::\d*)?)*$/;

const unencoded = (character: string) =>
  `"${character}" in the user name, the password or the database name must be written as ${encodeURIComponent(character)}`;

function percentMistake(text: string): string | undefined {
  const mistake =
    'a "%" that does not begin an encoded character must be written as %25, in the password too';
  if (/%(?![0-9a-f]{2})/i.test(text)) return mistake;
  try {
    decodeURIComponent(text);
    return undefined;
  } catch {
    return mistake;
  }
}

/** The parameters of the session that pg passes on. */
const SESSION = [
  ...['application_name', 'fallback_application_name', 'options', 'replication', 'client_encoding'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'query_timeout'],
];

const SUPPORTED = [
  ...['user', 'password', 'host', 'port', 'dbname', 'database', 'target_session_attrs'],
  ...['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslnegotiation'],
  // Asks pg for what happens here anyway.
  'uselibpqcompat',
  // Named so by pg.
  'enableChannelBinding',
  ...SESSION,
];

const SEARCH_PATH = ['schema', 'currentschema', 'search_path', 'searchpath'];

function parameterMistake(parameters: URLSearchParams): string | undefined {
  for (const [name] of parameters) {
    if (SEARCH_PATH.includes(name.toLowerCase())) {
      return `the parameter "${name}" is not supported; select the schema with ?options=-csearch_path%3Dname`;
    }
    if (!SUPPORTED.includes(name)) return unsupported(name);
  }
  return targetSessionMistake(parameters) ?? portMistake(parameters) ?? sslMistake(parameters);
}

/** A name that does not look like one is not shown: it may be the end of a password. */
const unsupported = (name: string) =>
  `${/^[a-z_]{1,40}$/i.test(name) ? `the parameter "${name}"` : 'a parameter'} is not supported and would be ignored; remove it, set a parameter of the server with ?options=-cname%3Dvalue, and encode "?" and "&" in a password as %3F and %26`;

function targetSessionMistake(parameters: URLSearchParams): string | undefined {
  const value = parameters.get('target_session_attrs');
  if (value === null || TARGET_SESSIONS.some((known) => known === value)) return undefined;
  return ['standby', 'read-only', 'prefer-standby'].includes(value)
    ? `target_session_attrs=${value} is not supported: orders are written to the primary, and what has been written is looked up there; use read-write`
    : `target_session_attrs must be one of ${TARGET_SESSIONS.join(', ')}`;
}

function portMistake(parameters: URLSearchParams): string | undefined {
  const ports = parameters.get('port')?.split(',').length ?? 1;
  const hosts = parameters.get('host')?.split(',').length;
  return ports === 1 || hosts === undefined || ports === hosts
    ? undefined
    : 'the parameter "port" must have one port, or as many as "host" has hosts';
}

/** What would leave a connection less protected than the URL suggests. */
function sslMistake(parameters: URLSearchParams): string | undefined {
  const given = (name: string) => parameters.get(name) ?? undefined;
  const mode = sslModeOf(parameters);
  const rootCertificate = given('sslrootcert');
  const certificate = ['sslrootcert', 'sslcert', 'sslkey'].find(
    (name) => given(name) !== undefined,
  );
  const isTlsCertain = mode !== undefined && !['disable', 'allow', 'prefer'].includes(mode);
  if (given('sslmode') !== undefined && mode === undefined) {
    return `sslmode must be one of ${SSL_MODES.filter((known) => known !== 'no-verify').join(', ')}`;
  }
  const fromEnvironment = process.env['PGSSLMODE'];
  if (mode === undefined && given('ssl') === undefined && fromEnvironment) {
    return `the environment variable PGSSLMODE must be one of ${SSL_MODES.join(', ')}`;
  }
  if (given('sslmode') === undefined && given('ssl') !== undefined && mode === undefined) {
    return 'ssl must be true or false; sslmode says more precisely what to verify';
  }
  if (certificate !== undefined && !isTlsCertain) {
    return `${certificate} has no effect with ${mode === undefined ? 'the default, sslmode=prefer' : `sslmode=${mode}`}; set sslmode=verify-full, or another one that requires TLS`;
  }
  if (rootCertificate === 'system' && mode !== 'verify-full') {
    return 'sslrootcert=system needs sslmode=verify-full: everyone can have a certificate of a public authority';
  }
  if (mode === 'verify-ca' && rootCertificate === undefined) {
    return 'sslmode=verify-ca needs sslrootcert, the PEM file of the authority that signs the certificate of the server';
  }
  if (mode === 'no-verify' && rootCertificate !== undefined) {
    return 'sslrootcert has no effect with no-verify; set sslmode=verify-full';
  }
  if ((given('sslcert') === undefined) !== (given('sslkey') === undefined)) {
    return 'sslcert and sslkey: set both or neither; one file may contain both';
  }
  const negotiation = given('sslnegotiation');
  if (negotiation !== undefined && !['postgres', 'direct'].includes(negotiation)) {
    return 'sslnegotiation must be one of postgres, direct';
  }
  return negotiation === 'direct' && !isTlsCertain
    ? 'sslnegotiation=direct needs sslmode=require, verify-ca or verify-full'
    : undefined;
}
