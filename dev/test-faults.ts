import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { execa } from 'execa';
import { TEMPORAL_KINDS } from './stack/service.ts';

const wholeNumber = (text: string) => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return text;
};

const { seed, seconds, temporal, only, logs } = new Command('npm run test:faults --')
  .description(
    'Breaks real processes and connections under load, then accounts for every message; with separate programs, then with `order-ingest run`. For a soak test, use --only random with a longer --seconds.',
  )
  .option(
    '--seed <number>',
    'seed of the random faults; a new one for each run if omitted',
    wholeNumber,
  )
  .option('--seconds <number>', 'how long to inject random faults', wholeNumber, '30')
  .addOption(
    new Option('--temporal <kind>', 'the Temporal server to use')
      .choices(TEMPORAL_KINDS)
      .default('postgres'),
  )
  .option('--logs <folder>', 'keep the logs of all bridges and workers in this folder')
  .option(
    '--only <name>',
    'run only the files of test/fault and test/one-process whose name contains this',
    '',
  )
  .helpCommand(false)
  .showHelpAfterError()
  .parse()
  .opts<{ seed?: string; seconds: string; temporal: string; only: string; logs?: string }>();

if (logs !== undefined) mkdirSync(logs, { recursive: true });

const { exitCode } = await execa(
  'npm',
  ['test', '--', `test/(fault|one-process)/.*${only}`, '--long'],
  {
    stdio: 'inherit',
    reject: false,
    env: {
      FAULT_TEMPORAL: temporal,
      FAULT_SECONDS: seconds,
      ...(seed === undefined ? {} : { FAULT_SEED: seed }),
      ...(logs === undefined ? {} : { PROGRAM_LOGS: path.resolve(logs) }),
    },
  },
);
process.exitCode = exitCode ?? 1;
