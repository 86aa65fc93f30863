import { InvalidArgumentError, Option } from 'commander';
import { isPriority, LOW_PRIORITY, type Priority } from '../contract/priority.ts';

/** `--priority` of the commands that submit orders again. */
export const priorityOption = (): Option =>
  new Option(
    '--priority <1-5>',
    `priority of these orders in Temporal: 1 is the highest, 3 that of live orders (default: ${LOW_PRIORITY})`,
  ).argParser((text): Priority => {
    const priority = /^\d$/.test(text) ? Number(text) : undefined;
    if (!isPriority(priority)) throw new InvalidArgumentError('expected a number from 1 to 5.');
    return priority;
  });
