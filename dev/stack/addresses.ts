import { DATABASE_NAME, DATABASE_PASSWORD, DATABASE_USER } from './postgres.ts';
import { securedKafkaAddresses } from './secured-kafka.ts';
import { securedPostgresAddresses } from './secured-postgres.ts';
import { securedTemporalAddresses } from './secured-temporal.ts';
import { schemaRegistryUrl } from './schema-registry.ts';
import type { Ports, ServiceName } from './service.ts';
import type { ServiceState, StackState } from './state.ts';

/** The settings with which a program reaches the services: `KAFKA_BROKERS`, `DATABASE_URL`, … */
export type Addresses = Readonly<Record<string, string>>;

/** The settings per service. If the first of them is in the environment, the service runs elsewhere. */
const SETTINGS: Record<ServiceName, readonly [string, ...string[]]> = {
  kafka: ['KAFKA_BROKERS'],
  temporal: ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_UI'],
  postgres: ['DATABASE_URL'],
  'schema-registry': ['SCHEMA_REGISTRY_URL'],
};

const LOCAL: Record<ServiceName, (ports: Ports) => Addresses> = {
  kafka: (ports) => ({ KAFKA_BROKERS: `127.0.0.1:${ports['broker']}` }),
  temporal: (ports) => ({
    TEMPORAL_ADDRESS: `127.0.0.1:${ports['frontend']}`,
    TEMPORAL_NAMESPACE: 'default',
    ...(ports['ui'] === undefined ? {} : { TEMPORAL_UI: `http://127.0.0.1:${ports['ui']}` }),
  }),
  postgres: (ports) => ({
    DATABASE_URL: `postgres://${DATABASE_USER}:${DATABASE_PASSWORD}@127.0.0.1:${ports['server']}/${DATABASE_NAME}`,
  }),
  'schema-registry': (ports) => ({ SCHEMA_REGISTRY_URL: schemaRegistryUrl(ports['http']) }),
};

/** How to reach the servers of a secured stack with the rights of an operator. */
const SECURED: Record<
  Exclude<ServiceName, 'schema-registry'>,
  (ports: Ports, certificates: string) => Addresses
> = {
  kafka: securedKafkaAddresses,
  temporal: securedTemporalAddresses,
  postgres: securedPostgresAddresses,
};

/**
 * Whether the environment names a server for this service. The stack's own address does not count: it is in
 * the environment of a shell that has evaluated `npm run stack -- env`.
 */
export function isGiven(
  service: ServiceName,
  env: NodeJS.ProcessEnv,
  known: ServiceState | undefined,
): boolean {
  const setting = SETTINGS[service][0];
  const own = known && 'ports' in known ? LOCAL[service](known.ports)[setting] : undefined;
  return Boolean(env[setting]) && env[setting] !== own;
}

export function stackAddresses(state: StackState, env: NodeJS.ProcessEnv): Addresses {
  const addresses: Record<string, string> = {};
  for (const [name, service] of Object.entries(state.services) as [
    ServiceName,
    NonNullable<StackState['services'][ServiceName]>,
  ][]) {
    if (service.source === 'environment') {
      for (const setting of SETTINGS[name]) {
        const value = env[setting];
        if (value) addresses[setting] = value;
      }
    } else {
      const { certificates } = state;
      Object.assign(
        addresses,
        certificates === undefined || name === 'schema-registry'
          ? LOCAL[name](service.ports)
          : SECURED[name](service.ports, certificates),
      );
    }
  }
  return addresses;
}

/** Formats addresses for a shell to evaluate: `export KAFKA_BROKERS='127.0.0.1:9092'`. */
export const asShellAssignments = (addresses: Addresses): string =>
  Object.entries(addresses)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`)
    .join('\n');
