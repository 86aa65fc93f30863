import type { Benchmark } from './benchmark.ts';
import { cluster } from './cluster.ts';
import { commit } from './commit.ts';
import { cost } from './cost.ts';
import { deletion } from './deletion.ts';
import { duplicates } from './duplicates.ts';
import { endToEnd, endToEndInOneProcess } from './end-to-end.ts';
import { growth } from './growth.ts';
import { idle } from './idle.ts';
import { latencyP50, latencyP99 } from './latency.ts';
import { memory } from './memory.ts';
import { ONE_PROCESS_BENCHMARKS } from './one-process.ts';
import { ordersShow } from './orders-show.ts';
import { outageEnd } from './outage-end.ts';
import { overhead } from './overhead.ts';
import { rerunPriority } from './rerun-priority.ts';
import { twoBridges, twoWorkers } from './scale.ts';
import { shape } from './shape.ts';
import { start } from './start.ts';
import { storage } from './storage.ts';
import { startUp } from './start-up.ts';
import { store } from './store.ts';
import { translate } from './translate.ts';
import { tunedServer } from './tuned-server.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  endToEnd,
  endToEndInOneProcess,
  tunedServer,
  ...ONE_PROCESS_BENCHMARKS,
  shape,
  start,
  overhead,
  duplicates,
  translate,
  store,
  latencyP50,
  latencyP99,
  rerunPriority,
  memory,
  idle,
  startUp,
  ordersShow,
  growth,
  outageEnd,
  commit,
  cost,
  storage,
  deletion,
  twoBridges,
  twoWorkers,
  cluster,
];
