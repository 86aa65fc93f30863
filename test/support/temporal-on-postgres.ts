import { startSecondTemporal } from '../../dev/stack/second-temporal.ts';
import { quietly } from '../../dev/stack/show-steps.ts';
import { StackError } from '../../dev/stack/stack-error.ts';
import { stackAddress } from './stack.ts';

/** The first start compiles the server, on a busy machine for many minutes. */
export const SERVER_START_TIMEOUT_MS = 30 * 60_000;

/**
 * Makes `TEMPORAL_ON_POSTGRES_ADDRESS` available to the tests of the file. The first file that needs the
 * server starts it, unless global-setup.mjs has begun to.
 */
export function useTemporalOnPostgres(): void {
  beforeAll(async () => {
    process.env['TEMPORAL_ON_POSTGRES_ADDRESS'] ||= await address();
  }, SERVER_START_TIMEOUT_MS);
}

async function address(): Promise<string> {
  const running = process.env['TEST_STACK'];
  if (running) {
    throw new StackError(
      `The stack "${running}" has no Temporal server on Postgres, which this file needs. Start it with: npm run stack --${running === 'dev' ? '' : ` --name ${running}`} start --temporal both`,
    );
  }
  const options = {
    name: process.env['TEST_RUN_STACK'] ?? '',
    ephemeral: true,
    ownerPid: Number(process.env['TEST_RUN_PID']),
  };
  const addresses = {
    KAFKA_BROKERS: stackAddress('KAFKA_BROKERS'),
    DATABASE_URL: stackAddress('DATABASE_URL'),
  };
  return startSecondTemporal(options, addresses, quietly);
}
