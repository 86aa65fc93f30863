import type { Addresses } from './addresses.ts';
import { stackPlaces } from './places.ts';
import { startStack, stackStatus, stopStack, type StackOptions, type StartStep } from './stack.ts';
import { readState } from './state.ts';

/** The stack of the second Temporal server that runs next to this stack, on its Postgres. */
export const secondStack = (name: string): string => `${name}-postgres`;

/** Starts a Temporal server on Postgres next to the stack's dev server, and returns its address. */
export async function startSecondTemporal(
  { name, ...options }: Omit<StackOptions, 'env' | 'temporalKind'>,
  { KAFKA_BROKERS, DATABASE_URL }: Addresses,
  runSteps: (steps: readonly StartStep[]) => Promise<void>,
): Promise<string> {
  const env = { ...process.env, KAFKA_BROKERS, DATABASE_URL, TEMPORAL_ADDRESS: '' };
  const addresses = await startStack(
    { ...options, name: secondStack(name), temporalKind: 'postgres', env },
    runSteps,
  );
  return addresses['TEMPORAL_ADDRESS'] ?? '';
}

/** The address of the running second server; undefined if there is none. */
export async function secondTemporalAddress(name: string): Promise<string | undefined> {
  const second = secondStack(name);
  const temporal = (await stackStatus(second)).find(({ service }) => service === 'temporal');
  const state = readState(stackPlaces(second))?.services.temporal;
  if (!temporal?.running || !state || !('ports' in state)) return undefined;
  return `127.0.0.1:${state.ports['frontend']}`;
}

/** Stops the stack, and before it the second server, which runs on its Postgres. */
export async function stopBothStacks(name: string): Promise<void> {
  await stopStack(secondStack(name));
  await stopStack(name);
}
