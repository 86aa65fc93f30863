import { clearLockedPorts } from 'get-port';
import { stackPlaces } from '../../dev/stack/places.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import { startStack, stopStack, type StartStep } from '../../dev/stack/stack.ts';
import { readState } from '../../dev/stack/state.ts';
import { uniqueName } from './stack.ts';

/** A broker that a test may kill, which it must not do to the one that all tests share. */
export interface OwnBroker {
  readonly address: string;
  kill(): Promise<void>;
  /** On the same address, with the data of before. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** A local process, since a container could not be killed in the same way. */
export async function startOwnBroker(): Promise<OwnBroker> {
  const name = uniqueName('broker');
  const env = { ...process.env, KAFKA_BROKERS: undefined };
  const start = () => startStack({ name, ephemeral: true, env }, runQuietly);
  const { KAFKA_BROKERS: address = '' } = await start();
  return {
    address,
    async kill() {
      const broker = readState(stackPlaces(name))?.services.kafka;
      if (broker?.source !== 'process' || !broker.process) throw new Error('no process to kill');
      await stopProcess(broker.process, 'SIGKILL', 5000);
    },
    async start() {
      // Within one process get-port gives no port twice.
      clearLockedPorts();
      await start();
    },
    remove: () => stopStack(name),
  };
}

const runQuietly = async (steps: readonly StartStep[]) => {
  await Promise.all(steps.map((step) => step.run(() => undefined)));
};
