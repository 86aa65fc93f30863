import type { TemporalKind } from '../../../dev/stack/service.ts';
import type { ProgramEnv, RunningProgram } from '../../support/programs.ts';
import type { TestTopic } from '../../support/kafka.ts';
import { createTestSystem, inOneProcess, type TestSystem } from '../../support/system.ts';
import { createLoad, type Load } from './load.ts';
import { createRandom, type Random } from './random.ts';
import type { FaultServers } from './servers.ts';

/** A topic with its load. */
export interface LoadedTopic {
  readonly topic: TestTopic;
  readonly partitions: number;
  readonly load: Load;
}

/** The topic, database and load of one test, of which every message can be accounted for. */
export interface LoadedWorld {
  /** For the test itself: addresses that bypass the links. */
  readonly servers: { readonly kafka: string };
  readonly system: TestSystem;
  readonly load: Load;
  /** The topics that bridges read beside that of the system. Default: none. */
  readonly otherTopics?: readonly LoadedTopic[];
}

/** A world on servers that the test may break. */
export interface FaultWorld extends LoadedWorld {
  readonly servers: FaultServers;
  readonly random: Random;
  /** See `TestSystem`. */
  startPair: TestSystem['startPair'];
  /** Starts a bridge that reaches the servers through the links. */
  startBridge(env?: ProgramEnv): Promise<RunningProgram>;
  startWorker(env?: ProgramEnv): Promise<RunningProgram>;
  close(): Promise<void>;
}

export const PARTITIONS = 3;

export async function createFaultWorld(servers: FaultServers, seed = 1): Promise<FaultWorld> {
  const system = await createTestSystem({
    partitions: PARTITIONS,
    brokers: servers.kafka,
    temporalAddress: servers.temporal,
    databaseUrl: servers.databaseUrl,
  });
  const random = createRandom(seed);
  const load = createLoad(servers.kafka, system.topic.name, PARTITIONS, random);
  const { links } = servers;
  const database = new URL(system.database.url);
  const [hostname = '', port = ''] = links['worker-postgres'].address.split(':');
  Object.assign(database, { hostname, port });
  const bridgeEnv = {
    KAFKA_BROKERS: links['bridge-kafka'].address,
    TEMPORAL_ADDRESS: links['bridge-temporal'].address,
    BRIDGE_START_TIMEOUT_MS: '1500',
    BRIDGE_BREAKER_MAX_PERCENT: '100',
    KAFKA_METADATA_MAX_AGE_MS: '2000',
  };
  const workerEnv = {
    TEMPORAL_ADDRESS: links['worker-temporal'].address,
    DATABASE_URL: database.href,
    DATABASE_STATEMENT_TIMEOUT_MS: '3000',
  };
  return {
    servers,
    system,
    load,
    random,
    startPair: ({ bridge = {}, worker = {} } = {}) =>
      system.startPair({
        bridge: { ...bridgeEnv, ...bridge },
        worker: { ...workerEnv, ...worker },
      }),
    startBridge: (env = {}) =>
      system.startBridge({ ...(inOneProcess() ? workerEnv : {}), ...bridgeEnv, ...env }),
    startWorker: (env = {}) =>
      system.startWorker({ ...workerEnv, ...(inOneProcess() ? bridgeEnv : {}), ...env }),
    async close() {
      load.stop();
      await load.close();
      await system.close();
    },
  };
}

export const temporalKindOfRun = (): TemporalKind =>
  process.env['FAULT_TEMPORAL'] === 'dev' ? 'dev' : 'postgres';

/** Whether the run is `npm run test:faults` and not `npm test`. */
export const isLongRun = (): boolean => process.env['FAULT_SECONDS'] !== undefined;
