import type { Command } from 'commander';
import type { DeadLetters } from '../../dead-letters/open-dead-letters.ts';
import { environmentOf } from '../environment.ts';

export async function open(command: Command): Promise<DeadLetters> {
  const { openDeadLetters } = await import('../../dead-letters/open-dead-letters.ts');
  return openDeadLetters(environmentOf(command));
}
