import { clearLockedPorts } from 'get-port';
import { stackPlaces } from '../../dev/stack/places.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import { quietly } from '../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { readState } from '../../dev/stack/state.ts';
import { setUp } from './set-up.ts';
import { uniqueName } from './stack.ts';

/** A server for one test, which may kill it, unlike the servers of the shared stack. */
export interface OwnServer {
  readonly address: string;
  kill(): Promise<void>;
  /** Restarts the server with its address and data. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

const ADDRESSES = {
  kafka: 'KAFKA_BROKERS',
  postgres: 'DATABASE_URL',
  'schema-registry': 'SCHEMA_REGISTRY_URL',
} as const;

/** Starts the server as a local process. */
export async function startOwnServer(service: keyof typeof ADDRESSES): Promise<OwnServer> {
  const name = uniqueName(service);
  const variable = ADDRESSES[service];
  const env = { ...process.env, [variable]: undefined };
  const schemaRegistry = service === 'schema-registry';
  const start = () => startStack({ name, ephemeral: true, env, schemaRegistry }, quietly);
  const [{ [variable]: address = '' }, remove] = await setUp((onUndo) => {
    onUndo(() => stopStack(name));
    return start();
  });
  return {
    address,
    async kill() {
      const state = readState(stackPlaces(name))?.services[service];
      if (state?.source !== 'process' || !state.process) throw new Error('no process to kill');
      await stopProcess(state.process, 'SIGKILL', 5000);
    },
    async start() {
      // get-port never returns a port twice within one process.
      clearLockedPorts();
      await start();
    },
    remove,
  };
}
