import { databaseUrl } from './database-url.ts';
import { choice, integer, settingGroup, text } from './setting.ts';

export const databaseSettings = settingGroup({
  url: {
    name: 'DATABASE_URL',
    schema: databaseUrl,
    secret: true,
    description:
      'URL of the Postgres database, as `postgres://user:password@host:5432/name`. Percent-encode special characters in the user name and the password, for instance `/` as `%2F`. The tables are in the first schema of the search path; `?options=-csearch_path%3Dname` selects another one. `sslmode`, certificates and several hosts are parameters of the URL, as in libpq: see [security.md](security.md#postgres).',
  },
  connectTimeoutMs: {
    name: 'DATABASE_CONNECT_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '2000',
    description:
      'How long to wait for a new connection, or for a free one in the pool. If the URL has several hosts, for each of them.',
  },
  statementTimeoutMs: {
    name: 'DATABASE_STATEMENT_TIMEOUT_MS',
    schema: integer(100, 25_000),
    default: '3000',
    description:
      'When Postgres cancels a statement. Together with the connect timeout, it must be less than the limit of one attempt to store an order, 30 s; the first, quick attempts end after 6 s. Poolers such as PgBouncer do not allow setting it per session: set it for the role instead, with `ALTER ROLE … SET statement_timeout`.',
  },
  preparedStatements: {
    name: 'DATABASE_PREPARED_STATEMENTS',
    schema: choice(['auto', 'on', 'off']),
    default: 'auto',
    description:
      'Whether to prepare statements once per connection, which saves a third of the work of Postgres per order. `auto` prepares them unless a pooler such as PgBouncer is in between. `on` works with PgBouncer 1.21 or later if `max_prepared_statements` is above 0, and with poolers in session mode.',
  },
});

/** Limits of `setup` while it changes the tables. */
export const migrationSettings = settingGroup({
  lockTimeoutMs: {
    name: 'MIGRATION_LOCK_TIMEOUT_MS',
    schema: integer(50, 60_000),
    default: '500',
    description:
      'How long one attempt of a migration waits for a lock (`lock_timeout`). While it waits, all inserts into the table wait behind it, so keep it well below `DATABASE_STATEMENT_TIMEOUT_MS`.',
  },
  giveUpAfterMs: {
    name: 'MIGRATION_GIVE_UP_AFTER_MS',
    schema: integer(0, 3_600_000),
    default: '120000',
    description:
      'How long `setup` repeats the attempts of a migration that does not get its locks, with growing pauses, and how long it waits for another `setup`. It then names the blocking sessions.',
  },
});

/** Roles to which `setup` grants privileges. */
export const databaseRoleSettings = settingGroup({
  worker: {
    name: 'DATABASE_WORKER_ROLE',
    schema: text,
    optional: true,
    unsetMeans: '`setup` grants nothing, and prints what a worker needs',
    description:
      'Postgres role of the workers. `setup`, which runs as the owner of the tables, grants it what a worker needs and it lacks: SELECT and INSERT on the tables of the orders, SELECT on the table of migrations, USAGE on the schema and on sequences of the tables. The role must exist. `doctor` checks it.',
  },
  reader: {
    name: 'DATABASE_READER_ROLE',
    schema: text,
    optional: true,
    unsetMeans: '`setup` grants nothing, and prints what such a role needs',
    description:
      'Postgres role for commands that only read: `orders`, `reconcile`, `top`, `doctor`. `setup` grants it SELECT on the tables and USAGE on the schema. When `doctor` runs as this role, it does not ask for the right to write.',
  },
});
