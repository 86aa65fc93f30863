import path from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { build } from '../dev/build.ts';
import { RESULTS_DIR } from './harness/stored-result.ts';
import { DEV_SERVER_VERSION } from '../dev/stack/temporal-cli.ts';
import { DEFAULT_SERVER_VERSION } from '../dev/stack/temporal-server.ts';
import { TEMPORAL_KINDS, type TemporalKind } from '../dev/stack/service.ts';
import { counted } from '../src/program/counted.ts';
import { chooseBenchmarks, EVERY_BENCHMARK, measuredWith, type Measured } from './choose.ts';
import type { Form } from './benchmarks/benchmark.ts';
import { startBenchStack, type BenchStack } from './harness/bench-stack.ts';
import { compare, MIN_ROUNDS, roundsOf, type Sample } from './harness/compare.ts';
import { measuredCode } from './harness/measured-code.ts';
import { createProgress, type Progress } from './harness/progress.ts';
import { describeResult, describeSides, format, resultOf, writeResult } from './harness/report.ts';
import { ageOf, readStored } from './harness/stored-result.ts';
import { describeRivals } from './rivals/describe.ts';
import { RIVALS, sideBySide } from './rivals/side-by-side.ts';
import { measureVariants } from './variants/variants.ts';

const ROUNDS: Readonly<Record<Form, number>> = { full: 5, short: 3 };

const wholeNumber = (text: string) => {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
};

interface Flags {
  readonly rounds?: number;
  readonly temporal: TemporalKind;
  readonly full?: true;
  readonly short?: true;
  readonly stale?: true;
  readonly dryRun?: true;
  readonly verbose?: true;
  readonly systems?: readonly string[];
}

const program = new Command('npm run bench --')
  .description(
    `Compares the performance of order-ingest with a baseline, benchmark by benchmark. It starts Kafka, Temporal and Postgres for the run, and measures both sides in turn. Run nothing else on the machine in the meantime.

Without arguments, it measures the main benchmarks in their short form, which takes less than ten minutes. With names, --stale or --full, it measures them in full and writes bench/results, from which \`npm run docs\` writes the figures of the documents.`,
  )
  .addArgument(
    new Argument('[names...]', 'the benchmarks to measure').choices(
      EVERY_BENCHMARK.map(({ name }) => name),
    ),
  )
  .option('--full', 'measure in full; without names, every benchmark, which takes hours')
  .addOption(
    new Option('--short', 'measure in the short form, also those that are named').conflicts('full'),
  )
  .option(
    '--stale',
    'measure only those whose code has changed since their last result with this kind of server',
  )
  .option('--dry-run', 'print what would be measured and, with --stale, what has changed')
  .option(
    '--rounds <number>',
    `how often to measure each side, after a warm-up (default: ${ROUNDS.full}, or ${ROUNDS.short} in the short form); fewer than ${MIN_ROUNDS} reach no verdict`,
    wholeNumber,
  )
  .addOption(
    new Option('--temporal <kind>', "the Temporal server: the CLI's dev server, or one on Postgres")
      .choices(TEMPORAL_KINDS)
      .default('dev'),
  )
  .option('--verbose', 'print every measurement to stderr')
  .addOption(
    new Option(
      '--systems <words>',
      'of side-by-side, measure only the systems whose name contains one of these words, separated by commas; writes no file',
    ).argParser((text: string) => text.split(',')),
  )
  .helpCommand(false)
  .showHelpAfterError()
  .parse();

const flags = program.opts<Flags>();
const { temporal } = flags;
const names = program.args;
const inFull = flags.full ?? (names.length > 0 || flags.stale === true);
const form: Form = inFull && !flags.short ? 'full' : 'short';
const rounds = flags.rounds ?? ROUNDS[form];
const folder = form === 'full' ? RESULTS_DIR : path.join(RESULTS_DIR, 'short');
const chosen = chooseBenchmarks(names, form, temporal).flatMap((benchmark) => {
  if (!flags.stale) return [{ ...benchmark, why: '' }];
  const why = whyStale(benchmark);
  return why === undefined ? [] : [{ ...benchmark, why }];
});

const elsewhere = chosen.find(
  (measured) => measured.kind === 'benchmark' && (measured.benchmark.only ?? temporal) !== temporal,
);
if (elsewhere?.kind === 'benchmark') {
  program.error(`${elsewhere.name} needs --temporal ${elsewhere.benchmark.only}.`);
}

if (flags.dryRun) {
  for (const { name, why } of chosen) console.log(`${name.padEnd(20)} ${why}`.trimEnd());
} else if (chosen.length === 0) {
  console.log(
    `No result with ${temporal === 'postgres' ? 'Temporal on Postgres' : 'the dev server'} is older than its code.`,
  );
} else {
  await measureAll();
}

/** Why the result with this kind of server is stale; undefined if it is current, or if there is none. */
function whyStale({ name, code }: Measured): string | undefined {
  const result = readStored(RESULTS_DIR, name, temporal);
  if (!result) return undefined;
  const age = ageOf(result, code);
  const day = result.measured.slice(0, 10);
  switch (age.kind) {
    case 'current':
      return undefined;
    case 'older':
      return `of ${day}; changed since: ${age.changed.join(', ')}`;
    case 'not-recorded':
      return `of ${day}; its code was not recorded`;
    default:
      return age satisfies never;
  }
}

/** Of the Temporal servers that it is measured with. */
function serverVersionOf(measured: Measured, stack: BenchStack): string {
  if (measured.kind === 'side-by-side') {
    return `${DEFAULT_SERVER_VERSION} (on Postgres) and ${DEV_SERVER_VERSION} (dev server)`;
  }
  return startsServers(measured) ? DEFAULT_SERVER_VERSION : stack.serverVersion;
}

/** Whether each side starts the Temporal server that it needs, or none. */
function startsServers(measured: Measured): boolean {
  if (measured.kind === 'side-by-side') return true;
  const { startsServers = false } =
    measured.kind === 'benchmark' ? measured.benchmark : measured.variants;
  return startsServers;
}

async function measureAll(): Promise<void> {
  const progress = createProgress(flags.verbose === true);
  const print = (line: string) => {
    progress.clear();
    console.log(line);
  };
  await build();
  const needsTemporal = chosen.some((measured) => !startsServers(measured));
  const metrics = chosen.some(
    (measured) => measured.kind === 'benchmark' && measured.benchmark.needsMetrics,
  );
  const stack = await startBenchStack(needsTemporal ? temporal : 'none', { metrics });
  try {
    print(
      `${counted(chosen.length, 'benchmark')} in ${form === 'full' ? 'full' : 'the short form'}, ${counted(rounds, 'round')}, Temporal ${temporal === 'postgres' ? 'on Postgres' : 'dev server'}; details in ${path.relative('', folder)}`,
    );
    for (const benchmark of chosen) print(await measure(benchmark, stack, progress));
  } finally {
    progress.clear();
    await stack.remove();
  }
  print(`Duration: ${(performance.now() / 60_000).toFixed(1)} minutes`);
  if (form === 'full') print('To update the figures of the documents: npm run docs');
}

/** Measures a benchmark, writes its result and describes it. */
async function measure(measured: Measured, stack: BenchStack, progress: Progress): Promise<string> {
  const { name } = measured;
  // The code as it was built: its files may change while it is measured.
  const code = measuredCode(measured.code, temporal);
  const write = (result: object, writtenAs = name) => {
    writeResult(folder, writtenAs, result, temporal, {
      ...{ code, form },
      serverVersion: serverVersionOf(measured, stack),
    });
  };
  const showSample = (unit: string) => (side: string, round: number, sample: Sample) => {
    const which = round === 0 ? 'warm-up' : `round ${round}`;
    progress.show(`${name}  ${which}  ${side}: ${format(sample.value)} ${unit}`);
  };
  switch (measured.kind) {
    case 'benchmark': {
      const { benchmark } = measured;
      const comparison = await benchmark.prepare(stack, form);
      try {
        const samples = await compare(comparison, rounds, showSample(benchmark.unit));
        const result = resultOf(benchmark, comparison, samples);
        write(result);
        const others = measuredWith(name).map((other) => {
          const { figure = '' } = other.measuredBy ?? {};
          return resultOf(other, comparison, roundsOf(figure, samples, benchmark.unit));
        });
        for (const other of others) write(other, other.name);
        return [result, ...others].map(describeResult).join('\n');
      } finally {
        await comparison.close();
      }
    }
    case 'variants': {
      const { what, unit } = measured.variants;
      const sides = await measureVariants(measured.variants, stack, rounds, showSample(unit));
      write({ what, unit, rounds, sides });
      return describeSides(name, sides, unit);
    }
    case 'side-by-side': {
      const { systems } = flags;
      const chosenRivals = RIVALS.filter(
        (rival) => !systems || systems.some((word) => rival.name.includes(word)),
      );
      const rivals = await sideBySide(chosenRivals, stack.pids, rounds);
      if (!systems) write({ rounds, rivals });
      return describeRivals(rivals);
    }
    default:
      return measured satisfies never;
  }
}
