import {
  AS_INSTALLED,
  TUNED,
  TUNED_WITH_MANY_SHARDS,
  type TemporalTuning,
} from '../../dev/stack/temporal-tuning.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import {
  asSample,
  measureServer,
  SERVER_SIDE_CODE,
  type ServerSide,
} from '../harness/server-side.ts';
import type { Variants } from './variants.ts';

const COUNT = 1500;
/** Fewer than elsewhere, because there are many sides. The programs still compile their code a little, with each side. */
const WARM_UP = 1000;

/** A server as Temporal's templates configure it, and a worker with the defaults of the SDK. */
export const TODAY: ServerSide = {
  name: 'as installed',
  tuning: AS_INSTALLED,
  grpcCompression: 'gzip',
};

/** All settings that docs/temporal-server.md recommends. */
export const TUNED_SIDE: ServerSide = {
  name: 'all recommended',
  tuning: TUNED,
  grpcCompression: 'none',
  // Two for each slot of the worker for local activities.
  waitingOrders: 32,
};

const withTuning = (name: string, changes: Partial<TemporalTuning>): ServerSide => ({
  ...TODAY,
  name,
  tuning: { ...AS_INSTALLED, ...changes },
});

const { plugin, partialIndexes, environment, visibilityPolls } = TUNED;

/** The limit of the workflow cache is not among them: so few orders do not fill it. */
const SIDES: readonly ServerSide[] = [
  TODAY,
  withTuning('postgres12_pgx', { plugin }),
  withTuning('binary_parameters', { connectAttributes: { binary_parameters: 'yes' } }),
  withTuning('partial indexes', { partialIndexes }),
  withTuning('visibility polls', { visibilityPolls }),
  withTuning('GOGC=300', { environment }),
  { ...TODAY, name: 'no compression', grpcCompression: 'none' },
  withTuning('one partition', { taskQueuePartitions: 1 }),
  withTuning('512 shards', { historyShards: 512 }),
  { ...TODAY, name: 'own visibility', ownVisibility: true },
  { ...TODAY, name: 'server 1.29.1', version: '1.29.1' },
  TUNED_SIDE,
  { ...TUNED_SIDE, name: 'all, 4 partitions', tuning: { ...TUNED, taskQueuePartitions: 4 } },
  { name: 'all, 200 waiting', tuning: TUNED, grpcCompression: 'none' },
  { ...TUNED_SIDE, name: 'all, 512 shards', tuning: TUNED_WITH_MANY_SHARDS },
  { ...TUNED_SIDE, name: 'all, server 1.29.1', version: '1.29.1' },
];

export const serverSettings: Variants = {
  name: 'server-settings',
  what: 'orders from a full topic to rows, by one setting of the Temporal server on Postgres',
  unit: 'orders/s',
  startsServers: true,
  code: ['bench/variants/server-settings.ts', ...SERVER_SIDE_CODE, ...BRIDGE_CODE, ...WORKER_CODE],
  prepare: () =>
    Promise.resolve({
      sides: SIDES.map((side) => ({
        name: side.name,
        measure: async () => asSample(await measureServer(side, COUNT, WARM_UP)),
      })),
      needsWarmUp: false,
      close: () => Promise.resolve(),
    }),
};
