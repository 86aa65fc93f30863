import type { Command } from 'commander';
import { settingsReport } from '../config/settings-report.ts';
import { environmentOf } from './environment.ts';

export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('print the effective settings and where each comes from; secrets stay hidden')
    .addHelpText('after', '\nExample:\n  order-ingest --env-file production.env config')
    .action((_options, command: Command) => {
      console.log(settingsReport(environmentOf(command)));
    });
}
