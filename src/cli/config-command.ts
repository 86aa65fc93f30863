import type { Command } from 'commander';
import { environmentOf } from '../terminal/environment.ts';

export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('Print the effective settings and the source of each; secrets are masked')
    .option('--json', 'print a JSON object')
    .addHelpText('after', '\nExample:\n  order-ingest --env-file production.env config')
    .action(async ({ json }: { readonly json?: true }, command: Command) => {
      const { reportSettings, settingsReport } = await import('../config/settings-report.ts');
      const env = environmentOf(command);
      console.log(json ? JSON.stringify({ sections: reportSettings(env) }) : settingsReport(env));
    });
}
