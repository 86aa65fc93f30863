import type { Command } from 'commander';
import type { Finding } from './finding.ts';
import { environmentOf } from '../../terminal/environment.ts';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check every connection and prerequisite; changes nothing')
    .option('--json', 'print newline-delimited JSON, one line per check')
    .addHelpText(
      'after',
      `
Prints ✔, ! (warning) or ✖ (failure) for each check, with the fix. The exit code is 1 if any check failed.

Example:
  order-ingest --env-file production.env doctor`,
    )
    .action(async ({ json }: { readonly json?: true }, command: Command) => {
      const { runChecks } = await import('./run-checks.ts');
      const findings = await runChecks(environmentOf(command));
      for (const finding of findings) {
        console.log(json ? JSON.stringify(finding) : asText(finding));
      }
      if (findings.some(({ state }) => state === 'failed')) process.exitCode = 1;
    });
}

const MARKS = { ok: '✔', warning: '!', failed: '✖' } as const;

const asText = ({ state, check, detail, remedy }: Finding): string =>
  `${MARKS[state]} ${check}: ${detail}${remedy === undefined ? '' : `\n    Fix: ${remedy}.`}`;
