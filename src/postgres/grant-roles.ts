import type pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import {
  grantStatements,
  lackingPrivileges,
  missingPrivileges,
  quoteName,
  READER_PRIVILEGES,
  WORKER_PRIVILEGES,
  type PrivilegesOptions,
} from './privileges.ts';
import { beginLocked, type MigrationRun } from './run-migration.ts';
import { isDatabaseError } from './sql-state.ts';

/** The roles of programs that do not own the tables. */
export interface DatabaseRoles {
  readonly worker?: string | undefined;
  readonly reader?: string | undefined;
}

/** Each role with what it needs. */
export const neededByRole = ({ worker, reader }: DatabaseRoles) =>
  [
    { role: worker, privileges: WORKER_PRIVILEGES, setting: 'DATABASE_WORKER_ROLE' },
    { role: reader, privileges: READER_PRIVILEGES, setting: 'DATABASE_READER_ROLE' },
  ].flatMap(({ role, ...needed }) => (role === undefined ? [] : [{ role, ...needed }]));

/**
 * Grants the roles what they lack and returns the statements. Throws an OperatorError if a role does not exist,
 * or if this user may not grant something.
 */
export async function grantRoles(
  run: MigrationRun,
  roles: DatabaseRoles,
): Promise<readonly string[]> {
  const granted: string[] = [];
  for (const { role, privileges, setting } of neededByRole(roles)) {
    await checkRole(run.client, role, setting);
    granted.push(...(await grant(run, { role, privileges, complete: true })));
  }
  return granted;
}

async function grant(
  run: MigrationRun,
  options: PrivilegesOptions & { readonly role: string },
): Promise<readonly string[]> {
  const { client, schema } = run;
  // Two calls at a time could fail, because both would update the same rows of the catalog.
  await beginLocked(run);
  try {
    const missing = await missingPrivileges(client, schema, options);
    const statements = grantStatements(missing, options.role);
    for (const statement of statements) await client.query(statement);
    // A user without the right to grant gets a warning only, if it has a privilege on the object itself.
    const remaining = await missingPrivileges(client, schema, options);
    if (remaining.length > 0) throw lackingPrivileges(options.role, remaining);
    await client.query('COMMIT');
    return statements;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (!isDatabaseError(error) || error.code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw lackingPrivileges(options.role, await missingPrivileges(client, schema, options));
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** Throws an OperatorError unless the role exists. */
export async function checkRole(
  client: Pick<pg.ClientBase, 'query'>,
  role: string,
  setting: string,
): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  if (rowCount !== 0) return;
  throw new OperatorError(
    'DATABASE_ROLE_MISSING',
    `The role "${role}" of ${setting} does not exist`,
    `create it as a user with CREATEROLE: CREATE ROLE ${quoteName(role)} LOGIN PASSWORD '…'; then run \`order-ingest setup --only database\` as the owner of the tables`,
  );
}
