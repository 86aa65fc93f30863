import { z } from 'zod';

/** A URL that pg reads as intended. What pg would misread or ignore is rejected. */
export const databaseUrl = z.string().superRefine((value, context) => {
  const mistake = databaseUrlMistake(value);
  if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
});

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
    hostMistake(authority.slice(authority.lastIndexOf('@') + 1)) ??
    (URL.canParse(value) ? parameterMistake(new URL(value).searchParams) : NOT_A_URL)
  );
}

const NOT_A_URL =
  'expected postgres://user:password@host:5432/name; encode special characters of the user name and the password, such as %2F for "/"';

/** `/`, `?` and `#` end the authority (user, password and host) wherever they occur. */
function reservedCharacterMistake(authority: string, rest: string): string | undefined {
  if (rest.includes('#')) return unencoded('#');
  const hasPassword = /:(?!\d*$)/.test(authority) && !/^\[[^\]]*\](?::\d*)?$/.test(authority);
  const path = rest.split('?')[0] ?? '';
  if (path.includes('@')) return unencoded(authority.includes('@') ? '@' : '/');
  const isCutShort = !authority.includes('@') && rest.includes('@') && hasPassword;
  return isCutShort ? unencoded(rest.startsWith('?') ? '?' : '/') : undefined;
}

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

function hostMistake(hosts: string): string | undefined {
  return hosts.includes(',')
    ? 'names several hosts, but only one is supported; use one name that leads to the primary, such as that of a pooler'
    : undefined;
}

/** The parameters that pg and pg-connection-string read. */
const SUPPORTED = [
  ...['user', 'password', 'host', 'port', 'database', 'db', 'encoding', 'client_encoding'],
  ...['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat'],
  ...['application_name', 'fallback_application_name', 'options', 'replication', 'binary'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'query_timeout'],
  ...['keepAlive', 'keepAliveInitialDelayMillis', 'enableChannelBinding', 'scramMaxIterations'],
];

const SEARCH_PATH = ['schema', 'currentschema', 'search_path', 'searchpath'];

function parameterMistake(parameters: URLSearchParams): string | undefined {
  for (const [name, value] of parameters) {
    if (SEARCH_PATH.includes(name.toLowerCase())) {
      return `the parameter "${name}" is not supported; select the schema with ?options=-csearch_path%3Dname`;
    }
    if (name === 'host' && value.includes(',')) return hostMistake(value);
    if (!SUPPORTED.includes(name)) return unsupported(name);
  }
  return undefined;
}

/** A name that does not look like one is not shown: it may be the end of a password. */
const unsupported = (name: string) =>
  `${/^[a-z_]{1,40}$/i.test(name) ? `the parameter "${name}"` : 'a parameter'} is not supported and would be ignored; remove it, set a parameter of the server with ?options=-cname%3Dvalue, and encode "?" and "&" in a password as %3F and %26`;
