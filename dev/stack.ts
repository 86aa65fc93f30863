import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { exitOnBrokenPipe } from '../src/program/exit.ts';
import { asShellAssignments, stackAddresses, type Addresses } from './stack/addresses.ts';
import { stackPlaces } from './stack/places.ts';
import {
  secondStack,
  secondTemporalAddress,
  startSecondTemporal,
  stopBothStacks,
} from './stack/second-temporal.ts';
import { ALL_SERVICES, TEMPORAL_KINDS, type TemporalKind } from './stack/service.ts';
import { showSteps } from './stack/show-steps.ts';
import { startStack, stackStatus, stopStack } from './stack/stack.ts';
import { StackError } from './stack/stack-error.ts';
import { readState } from './stack/state.ts';

interface StartFlags {
  readonly temporal?: TemporalKind | 'both';
  readonly temporalVersion?: string;
  readonly schemaRegistry?: true;
}

exitOnBrokenPipe();
const program = new Command('npm run stack --')
  .description(
    'Manages the local stack: real Kafka, Temporal and Postgres servers on this machine.',
  )
  .option('--name <name>', 'name of the stack; each stack has its own data', 'dev')
  .option(
    '--secured',
    'the secured variant of the stack, with data of its own: servers with TLS and authentication',
  )
  .helpCommand(false)
  .showHelpAfterError();

program
  .command('start')
  .description('start the servers that are not running, and print the addresses')
  .addOption(
    new Option(
      '--temporal <kind>',
      'Temporal server: dev (SQLite, with web UI), postgres (as in production, no web UI), or both, for the tests that need both; the choice of dev or postgres is remembered',
    ).choices([...TEMPORAL_KINDS, 'both']),
  )
  .option(
    '--temporal-version <version>',
    'version of that server, such as 1.29.1; the choice is remembered',
  )
  .option('--schema-registry', 'also start a schema registry (Apicurio, 109 MB)')
  .action(async (options: StartFlags) => {
    const { temporal, temporalVersion, schemaRegistry } = options;
    const name = stackName();
    if (isSecured()) {
      if (temporal !== undefined) {
        throw new StackError('--temporal cannot be combined with --secured: the server is fixed');
      }
      const secured = { name, secured: true, env: {}, temporalVersion, schemaRegistry };
      console.log(asShellAssignments(await startStack(secured, showSteps)));
      return;
    }
    // It would use the same databases.
    if (temporal === 'postgres') await stopStack(secondStack(name));
    const temporalKind = temporal === 'both' ? 'dev' : temporal;
    const addresses = await startStack(
      { name, temporalKind, temporalVersion, schemaRegistry },
      showSteps,
    );
    const second =
      temporal === 'both'
        ? await startSecondTemporal({ name, temporalVersion }, addresses, showSteps)
        : await secondTemporalAddress(name);
    console.log(asShellAssignments(withSecond(addresses, second)));
  });

program
  .command('stop')
  .description('stop the servers; the data is kept')
  .action(() => stopBothStacks(stackName()));

program
  .command('status')
  .description('print which servers are running; exit code 1 if one is not')
  .action(async () => {
    const status = await stackStatus(stackName());
    for (const { service, source, running, origin } of status) {
      const from = origin === undefined ? source : `${source}: ${origin}`;
      console.log(`${service.padEnd(10)} ${running ? 'running' : 'stopped'}  (${from})`);
    }
    const second = await secondTemporalAddress(stackName());
    if (second) console.log(`second Temporal server running  (on Postgres: ${second})`);
    if (status.some(({ running }) => !running)) process.exitCode = 1;
  });

program
  .command('env')
  .description('print the addresses as variables to export: eval "$(npm run -s stack -- env)"')
  .action(async () => {
    const state = readState(stackPlaces(stackName()));
    if (!state)
      throw new StackError(
        `There is no stack "${stackName()}". Start it with: npm run stack -- start${isSecured() ? ' --secured' : ''}`,
      );
    const second = await secondTemporalAddress(stackName());
    const addresses = stackAddresses(state, isSecured() ? {} : process.env);
    console.log(asShellAssignments(withSecond(addresses, second)));
  });

program
  .command('logs')
  .description('print the log of one service, or of all')
  .argument('[service]', ALL_SERVICES.join(', '))
  .option('-f, --follow', 'keep printing as the log grows')
  .action((service: string | undefined, { follow }: { follow?: boolean }) => {
    const files = ALL_SERVICES.filter((name) => service === undefined || name === service)
      .map((name) => path.join(stackPlaces(stackName()).logs, `${name}.log`))
      .filter((file) => existsSync(file));
    if (files.length === 0) {
      throw new StackError(
        `The stack "${stackName()}" has no log${service ? ` of "${service}"` : ''}`,
      );
    }
    spawn('tail', ['-n', '200', ...(follow ? ['-F'] : []), ...files], { stdio: 'inherit' });
  });

const withSecond = (addresses: Addresses, second: string | undefined): Addresses =>
  second === undefined ? addresses : { ...addresses, TEMPORAL_ON_POSTGRES_ADDRESS: second };

interface StackFlags {
  readonly name: string;
  readonly secured?: true;
}

const isSecured = () => program.opts<StackFlags>().secured === true;
/** The secured variant is a stack of its own. */
const stackName = () => `${program.opts<StackFlags>().name}${isSecured() ? '-secured' : ''}`;

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
