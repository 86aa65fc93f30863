import { clearLockedPorts } from 'get-port';
import { stackPlaces } from '../../dev/stack/places.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import { startStack, stopStack, type StartStep } from '../../dev/stack/stack.ts';
import { readState } from '../../dev/stack/state.ts';
import { uniqueName } from './stack.ts';

/** A server that a test may kill, which it must not do to the one that all tests share. */
export interface OwnServer {
  readonly address: string;
  kill(): Promise<void>;
  /** On the same address, with the data of before. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

const ADDRESSES = { kafka: 'KAFKA_BROKERS', postgres: 'DATABASE_URL' } as const;

/** A local process, since a container could not be killed in the same way. */
export async function startOwnServer(service: keyof typeof ADDRESSES): Promise<OwnServer> {
  const name = uniqueName(service);
  const variable = ADDRESSES[service];
  const env = { ...process.env, [variable]: undefined };
  const start = () => startStack({ name, ephemeral: true, env }, runQuietly);
  const { [variable]: address = '' } = await start();
  return {
    address,
    async kill() {
      const state = readState(stackPlaces(name))?.services[service];
      if (state?.source !== 'process' || !state.process) throw new Error('no process to kill');
      await stopProcess(state.process, 'SIGKILL', 5000);
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
