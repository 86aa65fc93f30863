import type { TemporalKind } from '../../dev/stack/service.ts';

const SERVERS: Readonly<Record<TemporalKind, string>> = {
  dev: 'dev server',
  postgres: 'on Postgres',
};

/** Names a benchmark with the Temporal server it ran on: `end-to-end, on Postgres`. */
export const withServer = (name: string, temporal: TemporalKind): string =>
  `${name}, ${SERVERS[temporal]}`;
