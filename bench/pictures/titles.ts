import type { TemporalKind } from '../../dev/stack/service.ts';

const SERVERS: Readonly<Record<TemporalKind, string>> = {
  dev: 'dev server',
  postgres: 'on Postgres',
};

/** `end-to-end, on Postgres`: which of Temporal's servers was measured with. */
export const withServer = (name: string, temporal: TemporalKind): string =>
  `${name}, ${SERVERS[temporal]}`;
