import { readStored, type StoredResult } from '../harness/stored-result.ts';
import type { RivalResult } from './result.ts';

export type SideBySide = StoredResult & {
  readonly rounds: number;
  readonly rivals: readonly RivalResult[];
};

/** The result of the comparison; undefined if the folder has none. */
export const readSideBySide = (folder: string): SideBySide | undefined =>
  readStored(folder, 'side-by-side', 'dev') as SideBySide | undefined;
