import { integer, settingGroup, url } from './setting.ts';

export const databaseSettings = settingGroup({
  url: {
    name: 'DATABASE_URL',
    schema: url('postgres:', 'postgresql:'),
    secret: true,
    description:
      'The Postgres database, as `postgres://user:password@host:5432/name`. Tables live in the first schema of the search path; `?options=-csearch_path%3Dname` chooses another.',
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
      'When Postgres gives up a statement. With the connection timeout it has to fit into one attempt at storing, 30 s; the first, quick attempts end after 6 s.',
  },
});
