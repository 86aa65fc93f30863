import { readStored, type StoredResult } from '../harness/stored-result.ts';
import type { EnduranceResult } from './run-for-long.ts';

/** Reads the result of `npm run bench:endurance`; undefined if there is none. */
export const readEndurance = (folder: string) =>
  readStored(folder, 'endurance', 'postgres') as (StoredResult & EnduranceResult) | undefined;
