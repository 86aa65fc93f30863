import { quietly } from '../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { AS_INSTALLED } from '../../dev/stack/temporal-tuning.ts';
import type { OnUndo } from './set-up.ts';
import { uniqueName } from './stack.ts';

/** A Temporal server on a Postgres server of its own, with the indexes that Temporal's schema creates. */
export interface TemporalAsInstalled {
  readonly address: string;
  /** The URL of the Postgres server, with another database. */
  readonly databaseUrl: (database: string) => string;
}

export async function startTemporalAsInstalled(onUndo: OnUndo): Promise<TemporalAsInstalled> {
  const name = uniqueName('installed');
  onUndo(() => stopStack(name));
  const { TEMPORAL_ADDRESS: address = '', DATABASE_URL: base = '' } = await startStack(
    {
      ...{ name, ephemeral: true, temporalKind: 'postgres', temporalTuning: AS_INSTALLED },
      env: { ...process.env, TEMPORAL_ADDRESS: '', DATABASE_URL: '' },
    },
    quietly,
  );
  return {
    address,
    databaseUrl: (database) => Object.assign(new URL(base), { pathname: database }).href,
  };
}
