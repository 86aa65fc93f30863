import { BRIDGE_CODE, ONE_PROCESS_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { readStored, type StoredResult } from '../harness/stored-result.ts';
import type { EnduranceResult } from './run-for-long.ts';

/** What is measured: see `measuredCode`. */
export const enduranceCode = (inOneProcess: boolean): readonly string[] =>
  inOneProcess ? ONE_PROCESS_CODE : [...BRIDGE_CODE, ...WORKER_CODE];

/** Reads the result of `npm run bench:endurance`; undefined if there is none. */
export const readEndurance = (folder: string) =>
  readStored(folder, 'endurance', 'postgres') as (StoredResult & EnduranceResult) | undefined;
