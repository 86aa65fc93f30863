import { execa } from 'execa';
import { DATABASE_NAME, DATABASE_PASSWORD, DATABASE_USER } from './postgres.ts';
import { PROJECT_DIR, type StackPlaces } from './places.ts';
import type { Ports, ServiceName } from './service.ts';
import { StackError } from './stack-error.ts';

/** Whether a container engine is running and has Compose. */
export async function hasContainerEngine(): Promise<boolean> {
  const options = { reject: false, timeout: 10_000 } as const;
  const engine = await execa('docker', ['info'], options);
  return !engine.failed && !(await execa('docker', ['compose', 'version'], options)).failed;
}

/** Settles when the last call of `createContainer` has ended. */
let lastCreation: Promise<void> = Promise.resolve();

/** Starts one service of docker-compose.yml and waits for its health check. */
export async function startContainer(
  places: StackPlaces,
  service: ServiceName,
  ports: Ports,
): Promise<void> {
  const env = containerPorts(service, ports);
  await createContainer(places, service, env);
  await compose(places, ['up', '--detach', '--wait', service], env);
}

/** One container after the other: concurrent calls would each create the project's network, under one name. */
function createContainer(
  places: StackPlaces,
  service: ServiceName,
  env: Record<string, string>,
): Promise<void> {
  const creation = lastCreation.then(() => compose(places, ['create', service], env));
  lastCreation = creation.catch(() => undefined);
  return creation;
}

/** Removes what a failed start of a service has left. */
export const removeContainer = (places: StackPlaces, service: ServiceName): Promise<void> =>
  compose(places, ['rm', '--stop', '--force', service], {});

export const stopContainers = (places: StackPlaces): Promise<void> => compose(places, ['stop'], {});

export const deleteContainers = (places: StackPlaces): Promise<void> =>
  compose(places, ['down', '--volumes'], {});

/** The published ports, as the variables of docker-compose.yml. */
function containerPorts(service: ServiceName, ports: Ports): Record<string, string> {
  switch (service) {
    case 'kafka':
      return { KAFKA_PORT: String(ports['broker']) };
    case 'temporal':
      return { TEMPORAL_PORT: String(ports['frontend']), TEMPORAL_UI_PORT: String(ports['ui']) };
    case 'postgres':
      return { POSTGRES_PORT: String(ports['server']) };
    case 'schema-registry':
      throw new Error('docker-compose.yml has no schema registry');
    default:
      return service satisfies never;
  }
}

async function compose(
  places: StackPlaces,
  args: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const database = {
    POSTGRES_USER: DATABASE_USER,
    POSTGRES_PASSWORD: DATABASE_PASSWORD,
    POSTGRES_DB: DATABASE_NAME,
  };
  const result = await execa(
    'docker',
    ['compose', '--project-name', `order-ingest-${places.name}`, ...args],
    { cwd: PROJECT_DIR, env: { ...database, ...env }, reject: false, all: true },
  );
  if (result.failed) {
    throw new StackError(`docker compose ${args.join(' ')} failed:\n${result.all}`);
  }
}
