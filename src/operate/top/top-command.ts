import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Rates } from './rates.ts';
import type { Part, Sample } from './sample.ts';
import { runAsJson } from '../orders/order-text.ts';
import { positiveNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { table } from '../../terminal/table.ts';

interface TopFlags {
  readonly bridge: readonly string[];
  readonly interval: number;
  readonly count?: number;
  readonly json?: true;
}

export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('a live view: what is read, started, stored and failing, until Ctrl-C')
    .option('--bridge <url...>', 'HTTP endpoints of bridges', ['http://127.0.0.1:9464'])
    .option('--interval <seconds>', 'between two looks', positiveNumber, 2)
    .option('--count <looks>', 'end after this many', positiveNumber)
    .option('--json', 'a JSON object a look, on stdout alone')
    .addHelpText(
      'after',
      `
Asks Kafka, Temporal, Postgres and the bridges; one that does not answer does not hide the others.

Examples:
  order-ingest top
  order-ingest top --bridge http://bridge-1:9464 http://bridge-2:9464
  order-ingest top --json --count 1`,
    )
    .action(run);
}

async function run(
  { bridge, interval, count = Number.POSITIVE_INFINITY, json }: TopFlags,
  command: Command,
): Promise<void> {
  const [{ withSources }, { takeSample }, { ratesBetween }] = await Promise.all([
    import('./with-sources.ts'),
    import('./sample.ts'),
    import('./rates.ts'),
  ]);
  await untilInterrupted((signal) =>
    withSources(environmentOf(command), bridge, async (sources) => {
      let before = await takeSample(sources);
      for (let look = 0; look < count; look += 1) {
        await delay(interval * 1000, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const now = await takeSample(sources);
        const rates = ratesBetween(before, now);
        if (json) console.log(JSON.stringify(asJson(now, rates)));
        else show(screen(now, rates));
        before = now;
      }
    }),
  );
}

/** Over what was there before, on a terminal. */
function show(text: string): void {
  console.log(process.stdout.isTTY ? `\x1b[H\x1b[2J${text}` : `${text}\n`);
}

function screen({ at, kafka, temporal, postgres, bridges }: Sample, rates: Rates): string {
  const perSecond = (rate: number | undefined) => (rate === undefined ? '?' : rate.toFixed(1));
  return [
    `order-ingest top, ${new Date(at).toISOString()}`,
    table(
      ['', 'per second', 'in all'],
      [
        ['arrived', perSecond(rates.arrived), known(kafka, ({ end }) => end)],
        ['read', perSecond(rates.read), known(kafka, ({ committed }) => committed)],
        ['started', perSecond(rates.started), known(temporal, all)],
        ['stored', perSecond(rates.stored), known(postgres, ({ inserted }) => inserted)],
        ['failed', perSecond(rates.failed), known(temporal, ({ failed }) => failed)],
      ],
      { alignRight: [1, 2] },
    ),
    `${known(kafka, ({ lag }) => lag)} on the topic still, ${known(temporal, ({ running }) => running)} workflows running`,
    ...(kafka.ok && kafka.value.offline.length > 0
      ? [`offline, and not counted: partition ${kafka.value.offline.join(', ')}`]
      : []),
    table(
      ['bridge', 'ready', 'messages in flight', 'starts in flight', 'limit of starts'],
      bridges.map((bridge) =>
        bridge.ok
          ? [
              bridge.url,
              bridge.value.isReady ? 'yes' : 'NO',
              ...[bridge.value.inFlight, bridge.value.startsInFlight, bridge.value.startLimit].map(
                String,
              ),
            ]
          : [bridge.url, bridge.error, '', '', ''],
      ),
      { alignRight: [2, 3, 4] },
    ),
    failures(temporal),
    ...[kafka, temporal, postgres].flatMap((part) => (part.ok ? [] : [part.error])),
  ].join('\n\n');
}

const all = ({ running, completed, failed }: Counts) => running + completed + failed;
type Counts = Extract<Sample['temporal'], { ok: true }>['value'];

const known = <Value>(part: Part<Value>, count: (value: Value) => number): string =>
  part.ok ? String(count(part.value)) : '?';

function failures(temporal: Sample['temporal']): string {
  if (!temporal.ok || temporal.value.failures.length === 0) return 'no failed orders';
  return table(
    ['newest failures', 'failed', 'failure'],
    temporal.value.failures.map(({ orderId, closedAt, failureType, failure }) => [
      orderId,
      closedAt === undefined ? '' : new Date(closedAt).toISOString(),
      [failureType, failure].filter(Boolean).join(': ').slice(0, 100),
    ]),
  );
}

const asJson = ({ at, kafka, temporal, postgres, bridges }: Sample, rates: Rates) => ({
  at: new Date(at).toISOString(),
  perSecond: rates,
  kafka: plain(kafka),
  temporal: temporal.ok
    ? { ...temporal.value, failures: temporal.value.failures.map(runAsJson) }
    : plain(temporal),
  postgres: plain(postgres),
  bridges: bridges.map((bridge) => ({ url: bridge.url, ...plain(bridge) })),
});

const plain = <Value extends object>(part: Part<Value>) =>
  part.ok ? part.value : { error: part.error };
