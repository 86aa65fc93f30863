import { commitInterval, startsAtOnce } from './bridge-settings.ts';
import { preparedStatements } from './prepared-statements.ts';
import { serverSettings } from './server-settings.ts';
import type { Variants } from './variants.ts';
import { settingVariants } from './settings.ts';
import { whatAStartCarries } from './what-a-start-carries.ts';
import { workerSettings } from './worker-settings.ts';

/** Variants that leave open workflows behind come last, because these make the server slower. */
export const VARIANTS: readonly Variants[] = [
  ...settingVariants,
  workerSettings,
  commitInterval,
  serverSettings,
  preparedStatements,
  whatAStartCarries,
  startsAtOnce,
];
