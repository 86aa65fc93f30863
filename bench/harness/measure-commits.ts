import { setTimeout as delay } from 'node:timers/promises';
import type { ProgramEnv } from '../../test/support/programs.ts';
import type { TestSystem } from '../../test/support/system.ts';
import type { Sample } from './compare.ts';
import { fillTopic } from './fill-topic.ts';

const POLL_MS = 50;

/** Counts offset commits per thousand orders while a worker runs. */
export async function measureCommits(
  system: TestSystem,
  count: number,
  env: ProgramEnv = {},
): Promise<Sample> {
  const worker = await system.startWorker();
  const bridge = await system.startBridge({ LOG_LEVEL: 'debug', ...env });
  await fillTopic(system.topic, count);
  while ((await system.topic.lag()) > 0) await delay(POLL_MS);
  const commits = bridge.events.filter(({ event }) => event === 'offset_committed').length;
  await bridge.end('SIGTERM');
  await worker.end('SIGTERM');
  return { value: commits / (count / 1000) };
}
