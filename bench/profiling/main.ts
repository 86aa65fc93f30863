import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../../dev/build.ts';
import { PROJECT_DIR } from '../../dev/stack/places.ts';
import { createTestSystem } from '../../test/support/system.ts';
import { startBenchStack } from '../harness/bench-stack.ts';
import { countStored } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { measureRate } from '../harness/processes.ts';
import { readCpuProfile } from './cpu-profile.ts';
import { drawFlameGraph } from './flame-graph.ts';
import { selfTimes, type Frame } from './frame.ts';
import { readGoProfile } from './go-profile.ts';

/**
 * Profiles the bridge, the worker and Temporal on Postgres while they ingest a full topic, and writes a flame
 * graph of each to `bench/profiles`. The profiles of bridge and worker cover JavaScript only, not native code
 * such as the SDK's core.
 */
const FOLDER = path.join(PROJECT_DIR, 'bench/profiles');
const PRELOAD = path.join(import.meta.dirname, 'preload.mjs');
const COUNT = 3000;
const SERVER_SECONDS = 15;
const LISTED_FUNCTIONS = 15;

await build();
const stack = await startBenchStack('postgres');
const dir = mkdtempSync(path.join(tmpdir(), 'profiles-'));
try {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  const profiled = (name: string) => {
    const folder = path.join(dir, name);
    mkdirSync(folder);
    return { PROFILE_DIR: folder, NODE_OPTIONS: `--import=${PRELOAD}` };
  };
  const worker = await system.startWorker(profiled('worker'));
  await fillTopic(system.topic, COUNT);
  const bridge = await system.startBridge(profiled('bridge'));
  const server = profileServer(stack.pprofPort);
  const { value, cpu = {} } = await measureRate(
    {
      pids: { bridge: bridge.pid, worker: worker.pid, ...stack.pids },
      done: () => countStored(system),
    },
    COUNT,
  );
  await bridge.end('SIGTERM');
  await worker.end('SIGTERM');
  const rate = `${Math.round(value)} orders/s, Temporal on Postgres`;
  const caption = (name: string) => `${rate}; ${cpu[name]?.toFixed(1)} ms of CPU per order`;
  for (const name of ['bridge', 'worker']) {
    readProfiles(path.join(dir, name)).forEach((text, index) => {
      const title = index === 0 ? name : `${name}-thread-${index}`;
      keep(readCpuProfile(text, title), caption(name), 'cpuprofile', text);
    });
  }
  const answer = await server;
  keep(readGoProfile(answer, 'temporal'), caption('temporal'), 'pb.gz', answer);
  await system.close();
} finally {
  rmSync(dir, { recursive: true, force: true });
  await stack.remove();
}

/** The profile of the main thread first: it is the largest. */
function readProfiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .map((file) => readFileSync(path.join(folder, file), 'utf8'))
    .sort((a, b) => b.length - a.length);
}

async function profileServer(pprofPort: number): Promise<Buffer> {
  const url = `http://127.0.0.1:${pprofPort}/debug/pprof/profile?seconds=${SERVER_SECONDS}`;
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

/** Writes the flame graph, and the profile for Chrome's developer tools or `go tool pprof`. */
function keep(root: Frame, caption: string, ending: string, raw: string | Buffer): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(path.join(FOLDER, `${root.name}.${ending}`), raw);
  writeFileSync(path.join(FOLDER, `${root.name}.svg`), drawFlameGraph(root, caption));
  console.log(`${root.name}: ${caption}. Self time:`);
  for (const { name, share } of selfTimes(root).slice(0, LISTED_FUNCTIONS)) {
    console.log(`  ${(share * 100).toFixed(1).padStart(5)}%  ${name}`);
  }
}
