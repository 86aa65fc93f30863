import { commitInterval, startsAtOnce } from './bridge-settings.ts';
import { preparedStatements } from './prepared-statements.ts';
import type { Variants } from './variants.ts';
import { whatAStartCarries } from './what-a-start-carries.ts';
import { settingVariants } from './settings.ts';

/** Those that leave workflows behind which nobody runs come last: they make the server slower. */
export const VARIANTS: readonly Variants[] = [
  ...settingVariants,
  commitInterval,
  preparedStatements,
  whatAStartCarries,
  startsAtOnce,
];
