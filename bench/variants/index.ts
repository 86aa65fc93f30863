import { commitInterval, startsAtOnce } from './bridge-settings.ts';
import { preparedStatements } from './prepared-statements.ts';
import type { Variants } from './variants.ts';
import { whatAStartCarries } from './what-a-start-carries.ts';
import { settingVariants } from './settings.ts';

export const VARIANTS: readonly Variants[] = [
  whatAStartCarries,
  startsAtOnce,
  commitInterval,
  ...settingVariants,
  preparedStatements,
];
