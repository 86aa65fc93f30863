import type { Client } from '@temporalio/client';
import type { Environment } from '../../config/read-settings.ts';
import { planTuning } from '../temporal/plan-tuning.ts';
import { readVisibility, URL_SETTING } from '../temporal/read-visibility.ts';
import { fromError, ok, warning, type Finding } from './finding.ts';

const CHECK = 'Temporal: visibility';

/** Checks whether the visibility of a server on Postgres is as cheap as it can be. Never throws. */
export async function checkVisibility(
  env: Environment,
  client: Client,
): Promise<readonly Finding[]> {
  try {
    const table = await readVisibility(env);
    if (table === undefined) return (await isInPostgres(client)) ? [ok(CHECK, UNKNOWN)] : [];
    const { recommended, entriesPerWorkflow, entriesPerWorkflowAfter } = planTuning(table);
    const written = (entries: number) => `${Math.round(entries)} index entries`;
    return [
      recommended.length === 0
        ? ok(CHECK, `each workflow writes ${written(entriesPerWorkflow)}; nothing to recommend`)
        : warning(
            CHECK,
            `each workflow writes ${written(entriesPerWorkflow)} in the database "${table.database}"; ${written(entriesPerWorkflowAfter)} would be enough`,
            'whoever runs the Temporal server can apply the SQL that `order-ingest temporal tune` prints',
          ),
    ];
  } catch (error) {
    return [fromError(CHECK, error, `check ${URL_SETTING}`)];
  }
}

const UNKNOWN = `in Postgres; set ${URL_SETTING} to have its indexes checked`;

/** False also if the server does not say so: Temporal Cloud does not. */
async function isInPostgres({ workflowService }: Client): Promise<boolean> {
  try {
    const { visibilityStore } = await workflowService.getClusterInfo({});
    return visibilityStore.startsWith('postgres');
  } catch {
    return false;
  }
}
