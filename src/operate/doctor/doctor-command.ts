import type { Command } from 'commander';
import type { Finding } from './finding.ts';
import { environmentOf } from '../../terminal/environment.ts';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check every connection and what has to be in place; changes nothing')
    .option('--json', 'a JSON object a line, on stdout alone')
    .addHelpText(
      'after',
      `
A tick, a warning or a cross for each check, with what to do. Exit code 1 when there is a cross.

Example:
  order-ingest --env-file production.env doctor`,
    )
    .action(async ({ json }: { readonly json?: true }, command: Command) => {
      const { runChecks: examine } = await import('./run-checks.ts');
      const findings = await examine(environmentOf(command));
      for (const finding of findings) {
        console.log(json ? JSON.stringify(finding) : asText(finding));
      }
      if (findings.some(({ state }) => state === 'failed')) process.exitCode = 1;
    });
}

const MARKS = { ok: '✔', warning: '!', failed: '✖' } as const;

const asText = ({ state, check, detail, remedy }: Finding): string =>
  `${MARKS[state]} ${check}: ${detail}${remedy === undefined ? '' : `\n    Fix: ${remedy}.`}`;
