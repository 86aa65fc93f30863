import { fileVariable, type Environment } from './given-value.ts';
import { SECTIONS } from './sections.ts';

const KNOWN: readonly string[] = SECTIONS.flatMap(({ settings }) =>
  Object.values(settings).flatMap((setting) => [setting.name, fileVariable(setting) ?? []].flat()),
).filter((name) => name.startsWith('KAFKA_'));

/** What Kubernetes sets in each container for a service with a name such as `kafka` or `kafka-ssl`. */
const FROM_KUBERNETES =
  /^KAFKA_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** How other Kafka clients and images call what has another name here. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  KAFKA_BOOTSTRAP_SERVERS: 'KAFKA_BROKERS',
  KAFKA_BROKER: 'KAFKA_BROKERS',
  KAFKA_SECURITY_PROTOCOL: 'KAFKA_SSL and KAFKA_SASL_MECHANISM',
  KAFKA_SSL_CA_LOCATION: 'KAFKA_SSL_CA_FILE',
  KAFKA_SSL_CERTIFICATE_LOCATION: 'KAFKA_SSL_CERT_FILE',
  KAFKA_SSL_KEY_LOCATION: 'KAFKA_SSL_KEY_FILE',
  KAFKA_SSL_KEY_PASSWORD: 'KAFKA_SSL_KEY_PASSPHRASE',
  KAFKA_SASL_MECHANISMS: 'KAFKA_SASL_MECHANISM',
  KAFKA_SASL_USER: 'KAFKA_SASL_USERNAME',
};

/** What concerns encryption and authentication: to ignore it would leave a connection less secure than intended. */
const SECURITY = /^KAFKA_(?:SSL|TLS|SASL|SECURITY|OAUTH)/;

/**
 * Names in the environment that look like settings of Kafka but are not: misspelled ones, and those of
 * encryption and authentication. Other names that begin with `KAFKA_` may belong to other programs.
 */
export function unknownKafkaNames(env: Environment): readonly string[] {
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('KAFKA_') || !env[name] || KNOWN.includes(name)) return [];
    if (FROM_KUBERNETES.test(name)) return [];
    const other = OTHER_NAMES[name];
    if (other !== undefined) return [`${name} is not a setting; set ${other}`];
    const nearest = nearestName(name);
    if (nearest.distance > MAX_TYPOS && !SECURITY.test(name)) return [];
    return [`${name} is not a setting; the nearest is ${nearest.name}`];
  });
}

/** Two typos, or one letter swapped with its neighbor. */
const MAX_TYPOS = 2;

function nearestName(name: string): { readonly name: string; readonly distance: number } {
  return KNOWN.map((known) => ({ name: known, distance: editDistance(name, known) })).reduce(
    (best, one) => (one.distance < best.distance ? one : best),
  );
}

/** Levenshtein's distance: the fewest letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
