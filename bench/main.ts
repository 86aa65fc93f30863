import path from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { build } from '../dev/build.ts';
import { PROJECT_DIR } from '../dev/stack/places.ts';
import { TEMPORAL_KINDS, type TemporalKind } from '../dev/stack/service.ts';
import { BENCHMARKS } from './benchmarks/index.ts';
import { startBenchStack } from './harness/bench-stack.ts';
import { compare } from './harness/compare.ts';
import { VARIANTS } from './variants/index.ts';
import { describeVariants, measureVariants } from './variants/variants.ts';
import { drawPictures } from './pictures/draw.ts';
import { describeRivals, sideBySide } from './rivals/side-by-side.ts';
import { describeResult, format, resultOf, writeResult } from './harness/report.ts';

const RESULTS = path.join(PROJECT_DIR, 'bench/results');
const SIDE_BY_SIDE = 'side-by-side';

const atLeastThree = (text: string) => {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 3) {
    throw new InvalidArgumentError('expected a whole number of at least 3.');
  }
  return Number(text);
};

const program = new Command('npm run bench --')
  .description(
    'Compares the performance of order-ingest with a baseline, benchmark by benchmark. It starts Kafka, Temporal and Postgres for the run, and measures both sides in turn. Run nothing else on the machine in the meantime.',
  )
  .addArgument(
    new Argument('[names...]', 'the benchmarks to run (default: all)').choices([
      ...[...BENCHMARKS, ...VARIANTS].map(({ name }) => name),
      SIDE_BY_SIDE,
    ]),
  )
  .option('--rounds <number>', 'how often to measure each side, after a warm-up', atLeastThree, 5)
  .addOption(
    new Option('--temporal <kind>', "the Temporal server: the CLI's dev server, or one on Postgres")
      .choices(TEMPORAL_KINDS)
      .default('dev'),
  )
  .helpCommand(false)
  .showHelpAfterError()
  .parse();
const { rounds, temporal } = program.opts<{ rounds: number; temporal: TemporalKind }>();
const names = program.args;
const isChosen = (name: string) => names.length === 0 || names.includes(name);
const chosen = BENCHMARKS.filter(({ name }) => isChosen(name));

await build();
const stack = await startBenchStack(temporal);
try {
  for (const benchmark of chosen) {
    const comparison = await benchmark.prepare(stack);
    try {
      const measured = await compare(comparison, rounds, (side, round, sample) => {
        const which = round === 0 ? 'warm-up' : `round ${round}`;
        console.error(
          `${benchmark.name}  ${which}  ${side}: ${format(sample.value)} ${benchmark.unit}`,
        );
      });
      const result = resultOf(benchmark, comparison, measured);
      writeResult(RESULTS, benchmark.name, result, temporal);
      console.log(`${describeResult(result, benchmark)}\n`);
    } finally {
      await comparison.close();
    }
  }
  for (const variants of VARIANTS.filter(({ name }) => isChosen(name))) {
    const sides = await measureVariants(variants, stack, rounds);
    const { name, what, unit } = variants;
    writeResult(RESULTS, name, { what, unit, sides }, temporal);
    console.log(`${describeVariants(variants, sides)}\n`);
  }
  if (isChosen(SIDE_BY_SIDE)) {
    const rivals = await sideBySide(stack.pids, rounds);
    writeResult(RESULTS, SIDE_BY_SIDE, { rivals }, temporal);
    console.log(describeRivals(rivals));
  }
  drawPictures(RESULTS, path.join(PROJECT_DIR, 'docs/images'));
} finally {
  await stack.remove();
}
