import { tsImport } from 'tsx/esm/api';

/**
 * Builds dist/, and starts a stack for the test run with a second Temporal server, which runs on Postgres.
 * The addresses are put into the environment. The stack is deleted after the run.
 */
export default async function globalSetup() {
  const load = (file) => tsImport(`../../dev/${file}`, import.meta.url);
  const [{ build }, { startStack, stopStack }, { showSteps }] = await Promise.all([
    load('build.ts'),
    load('stack/stack.ts'),
    load('stack/show-steps.ts'),
  ]);
  const name = `test-${process.pid}`;
  const second = `${name}-postgres`;
  globalThis.stopTestStack = async () => {
    await stopStack(second);
    await stopStack(name);
  };
  const start = async () => {
    const addresses = await startStack({ name, ephemeral: true }, showSteps);
    const { KAFKA_BROKERS, DATABASE_URL } = addresses;
    const env = { ...process.env, KAFKA_BROKERS, DATABASE_URL, TEMPORAL_ADDRESS: '' };
    const others = await startStack(
      { name: second, ephemeral: true, temporalKind: 'postgres', env },
      showSteps,
    );
    return { ...addresses, TEMPORAL_ON_POSTGRES_ADDRESS: others.TEMPORAL_ADDRESS };
  };
  const [addresses] = await Promise.all([start(), build()]);
  Object.assign(process.env, addresses);
}
