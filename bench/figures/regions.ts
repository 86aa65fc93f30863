import { capacityExample, capacityInputs, orderCost } from './capacity-inputs.ts';
import { clusterTable } from './cluster-table.ts';
import { comparison } from './comparison.ts';
import { costTable } from './cost-table.ts';
import { enduranceTable } from './endurance-table.ts';
import { cpuRatioOf, figureOf, outcomeOf } from './figure.ts';
import { ratioOf, rounded, tenths } from './numbers.ts';
import { resultsTable } from './results-table.ts';
import { scaleTable } from './scale-table.ts';
import { serverSettingsTable } from './server-settings-table.ts';
import { startUpTable } from './start-up-table.ts';
import { variantsTable } from './variants-table.ts';

/** Makes the text of a region from the arguments in its marker. */
export type Region = (...args: readonly string[]) => string;

/**
 * The regions of documents that `npm run docs` writes from the results of the benchmarks, by the first word
 * of their marker: see `fillRegions`.
 *
 * @param folder of the results
 */
export const regionsFrom = (folder: string): Readonly<Record<string, Region>> => ({
  results: () => resultsTable(folder),
  cost: () => costTable(folder),
  variants: () => variantsTable(folder),
  'capacity-inputs': () => capacityInputs(folder).table,
  capacity: (rate = '') => capacityExample(folder, rate),
  'order-cost': (key = '') => String(orderCost(folder, key)),
  'orders-per-second': (cores = '', key = '') =>
    rounded(Math.round((Number(cores) * 1000) / orderCost(folder, key))),
  scale: () => scaleTable(folder),
  cluster: () => clusterTable(folder),
  endurance: () => enduranceTable(folder),
  'start-up': () => startUpTable(folder),
  'server-settings': () => serverSettingsTable(folder),
  outcome: (file = '') => outcomeOf(folder, file),
  figure: (file = '', keys = '') => rounded(figureOf(folder, file, keys)),
  difference: (file = '', keys = '', subtracted = '') =>
    tenths(figureOf(folder, file, keys) - figureOf(folder, file, subtracted)),
  comparison: (part = '') => comparison(folder, part),
  'cpu-ratio': (file = '') => ratioOf(cpuRatioOf(folder, file)),
});
