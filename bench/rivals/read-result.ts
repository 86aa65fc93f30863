import { ONE_PROCESS_CODE, SERVER_CODE } from '../harness/measured-code.ts';
import { readStored, type StoredResult } from '../harness/stored-result.ts';
import type { RivalResult } from './result.ts';

export type SideBySide = StoredResult & {
  readonly rounds: number;
  readonly rivals: readonly RivalResult[];
};

/** What is measured: see `measuredCode`. Its result is one of the dev server, but it measures both. */
export const SIDE_BY_SIDE_CODE = [
  ...[
    ...['side-by-side.ts', 'measure.ts', 'open-system.ts', 'order-ingest.ts', 'consumer-loop.ts'],
    ...['dbos.ts', 'restate.ts', 'sink-connector.ts', 'programs/package.json'],
    ...['programs/consumer-loop.ts', 'programs/ingest.ts'],
    ...['programs/dbos-service.ts', 'programs/restate-service.ts'],
  ].map((file) => `bench/rivals/${file}`),
  ...[...SERVER_CODE.postgres, ...ONE_PROCESS_CODE],
];

/** The result of the comparison; undefined if the folder has none. */
export const readSideBySide = (folder: string): SideBySide | undefined =>
  readStored(folder, 'side-by-side', 'dev') as SideBySide | undefined;
