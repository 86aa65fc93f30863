import { setTimeout as delay } from 'node:timers/promises';
import { MAIN } from '../../test/support/programs.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { createTestSystem } from '../../test/support/system.ts';
import { addWorkflows } from '../harness/add-workflows.ts';
import type { Sample } from '../harness/compare.ts';
import { countStored } from '../harness/counts.ts';
import { medianDuration, RUNS } from '../harness/median-duration.ts';
import { orderText } from '../harness/orders.ts';
import type { Benchmark, Form } from './benchmark.ts';

const COUNTS: Readonly<Record<Form, number>> = { full: 100_000, short: 1000 };
const POLL_MS = 100;

export const ordersShow: Benchmark = {
  name: 'orders-show',
  ratio: `duration of \`order-ingest orders show\`, the median of ${RUNS} runs, with ${COUNTS.full.toLocaleString('en')} workflows in Temporal`,
  unit: 'ms',
  goal: { atMost: 1000 },
  only: 'postgres',
  longOnly: true,
  code: ['bench/benchmarks/orders-show.ts', 'src/operate/orders/show-command.ts'],
  async prepare(stack, form) {
    await addWorkflows(stack, COUNTS[form]);
    return {
      subject: { name: 'order-ingest orders show', measure: measureShow },
      close: () => Promise.resolve(),
    };
  },
};

async function measureShow(): Promise<Sample> {
  const system = await createTestSystem({ fastSettings: false });
  try {
    const programs = await Promise.all([system.startBridge(), system.startWorker()]);
    const orderId = uniqueName('shown');
    await system.topic.send([{ key: orderId, value: orderText(orderId) }]);
    while ((await countStored(system)) === 0) await delay(POLL_MS);
    await Promise.all(programs.map((program) => program.end('SIGTERM')));
    const env = { ...system.bridgeEnv, ...system.workerEnv };
    return {
      value: await medianDuration([MAIN, 'orders', 'show', orderId], env),
      figures: {
        'Node alone': await medianDuration(['--eval', '0']),
        '--help': await medianDuration([MAIN, '--help']),
      },
    };
  } finally {
    await system.close();
  }
}
