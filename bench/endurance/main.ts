import { Command, InvalidArgumentError } from 'commander';
import { build } from '../../dev/build.ts';
import { TUNED_WITH_MANY_SHARDS } from '../../dev/stack/temporal-tuning.ts';
import { startBenchStack } from '../harness/bench-stack.ts';
import { measuredCode } from '../harness/measured-code.ts';
import { writeResult } from '../harness/report.ts';
import { RESULTS_DIR } from '../harness/stored-result.ts';
import { describeSample, summarize } from './describe.ts';
import { enduranceCode, type EnduranceName } from './read-result.ts';
import { runForLong } from './run-for-long.ts';

const wholeNumber = (text: string) => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
};

const program = new Command('npm run bench:endurance --')
  .description(
    'Ingests many orders in one go, with Temporal on Postgres and its deletion of old workflows going on, and shows whether rate and memory stay even. A million orders take hours. It starts the servers that it needs; run nothing else on the machine in the meantime.',
  )
  .option('--orders <number>', 'how many', wholeNumber, 1_000_000)
  .option(
    '--retention-minutes <number>',
    'how long Temporal keeps a completed workflow; less than the hour that it allows by default, so that deletion begins early',
    wholeNumber,
    15,
  )
  .option('--minutes <number>', 'send no more orders after this time', wholeNumber, 24 * 60)
  .option(
    '--existing <number>',
    'how many completed workflows Temporal has at the beginning: copies of one, written to its databases',
    wholeNumber,
    0,
  )
  .option('--separate', 'a bridge and a worker as separate programs instead of `order-ingest run`')
  .option('--sample-seconds <number>', 'how often to measure', wholeNumber, 30)
  .helpCommand(false)
  .showHelpAfterError()
  .parse();

const flags = program.opts<{
  readonly orders: number;
  readonly retentionMinutes: number;
  readonly minutes: number;
  readonly existing: number;
  readonly separate?: true;
  readonly sampleSeconds: number;
}>();

await build();
const code = measuredCode(enduranceCode(!flags.separate), 'postgres');
const stack = await startBenchStack('postgres', { tuning: TUNED_WITH_MANY_SHARDS });
try {
  const result = await runForLong(
    stack,
    {
      orders: flags.orders,
      sendForMs: flags.minutes * 60_000,
      retentionMs: flags.retentionMinutes * 60_000,
      existing: flags.existing,
      inOneProcess: !flags.separate,
      sampleMs: flags.sampleSeconds * 1000,
    },
    (sample) => {
      console.error(describeSample(sample));
    },
  );
  const { serverVersion } = stack;
  const name: EnduranceName = flags.existing === 0 ? 'endurance' : 'endurance-existing';
  writeResult(RESULTS_DIR, name, { flags, ...result }, 'postgres', { code, serverVersion });
  console.log(summarize(result));
} finally {
  await stack.remove();
}
