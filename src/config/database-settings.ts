import { databaseUrl } from './database-url.ts';
import { choice, integer, settingGroup } from './setting.ts';

export const databaseSettings = settingGroup({
  url: {
    name: 'DATABASE_URL',
    schema: databaseUrl,
    secret: true,
    description:
      'The Postgres database, as `postgres://user:password@host:5432/name`; special characters of user name and password are encoded, such as `%2F` for `/`. Tables live in the first schema of the search path; `?options=-csearch_path%3Dname` chooses another.',
  },
  connectTimeoutMs: {
    name: 'DATABASE_CONNECT_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '2000',
    description: 'How long to wait for a connection, or for one of the pool to be free.',
  },
  statementTimeoutMs: {
    name: 'DATABASE_STATEMENT_TIMEOUT_MS',
    schema: integer(100, 25_000),
    default: '3000',
    description:
      'When Postgres gives up a statement. With the connection timeout it has to fit into one attempt at storing, 30 s; the first, quick attempts end after 6 s. Behind a pooler such as PgBouncer it cannot be set for a session: set it for the role, `ALTER ROLE … SET statement_timeout`.',
  },
  preparedStatements: {
    name: 'DATABASE_PREPARED_STATEMENTS',
    schema: choice(['auto', 'on', 'off']),
    default: 'auto',
    description:
      'Whether statements are prepared once per connection, which saves Postgres a third of its work for an order. `auto`: only without a pooler such as PgBouncer between. `on` suits PgBouncer from 1.21 with `max_prepared_statements` above 0, and poolers in session mode.',
  },
});
