import { setTimeout as delay } from 'node:timers/promises';
import { createTestSystem } from '../../test/support/system.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 1000;
const POLL_MS = 50;

export const commit: Benchmark = {
  name: 'commit',
  ratio: 'commits to Kafka for a thousand orders, with the worker at work',
  unit: 'commits',
  goal: { atMost: 5 },
  async prepare() {
    const system = await createTestSystem({ partitions: 4, hasty: false });
    await system.startWorker();
    const bridge = await system.startBridge({ LOG_LEVEL: 'debug' });
    const commits = () => bridge.events.filter(({ event }) => event === 'offset_committed').length;
    return {
      subject: {
        name: 'order-ingest',
        async measure() {
          const before = commits();
          await fillTopic(system.topic, COUNT);
          while ((await system.topic.lag()) > 0) await delay(POLL_MS);
          return { value: (commits() - before) / (COUNT / 1000) };
        },
      },
      close: () => system.close(),
    };
  },
};
