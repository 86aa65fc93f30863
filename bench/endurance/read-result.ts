import { BRIDGE_CODE, ONE_PROCESS_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { readStored, type StoredResult } from '../harness/stored-result.ts';
import type { EnduranceResult } from './run-for-long.ts';

/** What is measured: see `measuredCode`. */
export const enduranceCode = (inOneProcess: boolean): readonly string[] =>
  inOneProcess ? ONE_PROCESS_CODE : [...BRIDGE_CODE, ...WORKER_CODE];

/** The names of the results: from empty databases, and with `--existing`. */
export type EnduranceName = 'endurance' | 'endurance-existing';

/** Reads the result of `npm run bench:endurance`; undefined if there is none. */
export const readEndurance = (folder: string, name: EnduranceName = 'endurance') =>
  readStored(folder, name, 'postgres') as (StoredResult & EnduranceResult) | undefined;
