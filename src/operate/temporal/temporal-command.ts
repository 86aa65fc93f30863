import type { Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';

interface TuneFlags {
  readonly json?: true;
}

export function addTemporalCommand(program: Command): void {
  const temporal = program
    .command('temporal')
    .description('Look at the Temporal server, for those who run it themselves');
  temporal
    .command('tune')
    .description(
      "Print SQL that makes Temporal's visibility in Postgres cheaper; reads only, applies nothing",
    )
    .option('--json', 'print a JSON object with every index and the statements')
    .addHelpText(
      'after',
      `
Reads TEMPORAL_VISIBILITY_DATABASE_URL, the database in which Temporal keeps what lists of workflows find. Most of
its indexes are on search attributes that no workflow has, and every workflow writes to each of them. The SQL
limits these indexes to the workflows that have a value. It can run while the server runs, and can be repeated.
docs/temporal-server.md has the details and further settings of the server.

Examples:
  order-ingest temporal tune
  order-ingest temporal tune > tune.sql && psql "$OWNER_URL" -v ON_ERROR_STOP=1 -f tune.sql`,
    )
    .action(tune);
}

async function tune({ json }: TuneFlags, command: Command): Promise<void> {
  const [{ readVisibility, URL_SETTING }, { planTuning }, { describeTuning }] = await Promise.all([
    import('./read-visibility.ts'),
    import('./plan-tuning.ts'),
    import('./describe-tuning.ts'),
  ]);
  const table = await readVisibility(environmentOf(command));
  if (table === undefined) {
    throw new OperatorError(
      'SETTINGS_INVALID',
      `${URL_SETTING} is not set`,
      "set it to the URL of the Postgres database of Temporal's visibility, such as postgres://user:password@host:5432/temporal_visibility",
    );
  }
  const plan = planTuning(table);
  console.log(json ? JSON.stringify({ ...table, ...plan }) : describeTuning(table, plan));
}
