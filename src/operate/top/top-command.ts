import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Rates } from './rates.ts';
import type { BridgeFlags } from '../bridge-endpoints.ts';
import type { Answer } from '../../program/answer.ts';
import type { Sample, TopicSample } from './sample.ts';
import { positiveNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { table } from '../../terminal/table.ts';

interface TopFlags extends BridgeFlags {
  readonly interval: number;
  readonly count?: number;
  readonly json?: true;
}

export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('Show the current rates of reading, starting, storing and failing')
    .option('--bridge <url...>', 'HTTP endpoints of the bridges (default: the one on this host)')
    .option(
      '--bridge-ca <file>',
      'PEM file of the authorities that sign the certificates of the bridges',
    )
    .option('--interval <seconds>', 'seconds between two updates', positiveNumber, 2)
    .option('--count <updates>', 'stop after this many updates', positiveNumber)
    .option('--json', 'print newline-delimited JSON, one line per update')
    .addHelpText(
      'after',
      `
Queries Kafka, Temporal, Postgres and the bridges until Ctrl-C. If one of them is down, the others are
still shown. BRIDGE_HTTP_TOKEN is sent to the bridges if it is set.

Examples:
  order-ingest top
  order-ingest top --bridge http://bridge-1:9464 http://bridge-2:9464
  order-ingest top --json --count 1`,
    )
    .action(run);
}

async function run(
  { interval, count = Number.POSITIVE_INFINITY, json, ...flags }: TopFlags,
  command: Command,
): Promise<void> {
  const [{ withSources, takeSample }, { ratesBetween }, { bridgeEndpoints }, { runAsJson }] =
    await Promise.all([
      import('./sample.ts'),
      import('./rates.ts'),
      import('../bridge-endpoints.ts'),
      import('../orders/order-text.ts'),
    ]);
  const env = environmentOf(command);
  const bridges = bridgeEndpoints(flags, env);
  await untilInterrupted((signal) =>
    withSources(env, bridges, async (sources) => {
      let before = await takeSample(sources);
      for (let update = 0; update < count; update += 1) {
        await delay(interval * 1000, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const now = await takeSample(sources);
        const rates = ratesBetween(before, now);
        if (json) console.log(JSON.stringify(asJson(now, rates, runAsJson)));
        else show(screen(now, rates));
        before = now;
      }
    }),
  );
}

/** On a terminal, replaces the previous update. */
function show(text: string): void {
  console.log(process.stdout.isTTY ? `\x1b[H\x1b[2J${text}` : `${text}\n`);
}

function screen({ at, kafka, temporal, postgres, bridges }: Sample, rates: Rates): string {
  const perSecond = (rate: number | undefined) => (rate === undefined ? '?' : rate.toFixed(1));
  return [
    `order-ingest top, ${new Date(at).toISOString()}`,
    table(
      ['', 'per second', 'total'],
      [
        ['arrived', perSecond(rates.arrived), known(kafka, ({ end }) => end)],
        ['read', perSecond(rates.read), known(kafka, ({ committed }) => committed)],
        ['started', perSecond(rates.started), known(temporal, all)],
        ['stored', perSecond(rates.stored), known(postgres, ({ inserted }) => inserted)],
        ['failed', perSecond(rates.failed), known(temporal, ({ failed }) => failed)],
      ],
      { alignRight: [1, 2] },
    ),
    `${known(kafka, ({ lag }) => lag)} messages to read, ${known(temporal, ({ running }) => running)} workflows running${delayedText(temporal)}`,
    ...(kafka.ok ? topicsText(kafka.value.topics) : []),
    table(
      ['bridge', 'ready', 'messages in flight', 'starts in flight', 'start limit'],
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
    ...[kafka, temporal, postgres].flatMap((answer) => (answer.ok ? [] : [answer.error])),
  ].join('\n\n');
}

/** What each of several topics has, and the partitions that are not included. */
function topicsText(topics: readonly TopicSample[]): readonly string[] {
  const isOne = topics.length === 1;
  const rows = topics.map(({ topic, end, committed, lag }) => [
    topic,
    ...[end, committed, lag].map(String),
  ]);
  return [
    ...(isOne
      ? []
      : [table(['topic', 'arrived', 'read', 'to read'], rows, { alignRight: [1, 2, 3] })]),
    ...topics
      .filter(({ offline }) => offline.length > 0)
      .map(
        ({ topic, offline }) =>
          `offline and not included: partition ${offline.join(', ')}${isOne ? '' : ` of "${topic}"`}`,
      ),
  ];
}

const all = ({ running, completed, failed }: Counts) => running + completed + failed;
type Counts = Extract<Sample['temporal'], { ok: true }>['value'];

const known = <Value>(answer: Answer<Value>, count: (value: Value) => number): string =>
  answer.ok ? String(count(answer.value)) : '?';

const delayedText = (temporal: Sample['temporal']): string =>
  temporal.ok && temporal.value.delayed > 0
    ? `, ${temporal.value.delayed} of them waiting for the end of their start delay`
    : '';

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

const asJson = (
  { at, kafka, temporal, postgres, bridges }: Sample,
  rates: Rates,
  failureAsJson: (failure: Counts['failures'][number]) => object,
) => ({
  at: new Date(at).toISOString(),
  perSecond: rates,
  kafka: plain(kafka),
  temporal: temporal.ok
    ? { ...temporal.value, failures: temporal.value.failures.map(failureAsJson) }
    : plain(temporal),
  postgres: plain(postgres),
  bridges: bridges.map((bridge) => ({ url: bridge.url, ...plain(bridge) })),
});

const plain = <Value extends object>(answer: Answer<Value>) =>
  answer.ok ? answer.value : { error: answer.error };
