import { measureInTurn, spreadOf } from '../harness/compare.ts';
import { format, medians } from '../harness/report.ts';
import { consumerLoop } from './consumer-loop.ts';
import { dbos } from './dbos.ts';
import {
  measureBadMessages,
  measureKill,
  measureRound,
  spreadOfLatency,
  type Pids,
  type RoundSample,
} from './measure.ts';
import { bridgeAndWorker, inOneProcess, orderIngest } from './order-ingest.ts';
import { installRivals } from './packages.ts';
import { restate } from './restate.ts';
import type { RivalResult } from './result.ts';
import type { Rival } from './rival.ts';
import { sinkConnector } from './sink-connector.ts';

/** In the order of the table. */
export const RIVALS: readonly Rival[] = [
  orderIngest({
    name: "order-ingest, Temporal's dev server",
    temporal: 'dev',
    start: bridgeAndWorker,
  }),
  orderIngest({
    name: 'order-ingest, Temporal on Postgres',
    temporal: 'postgres',
    start: bridgeAndWorker,
  }),
  orderIngest({
    name: 'order-ingest run, Temporal on Postgres',
    temporal: 'postgres',
    start: inOneProcess,
  }),
  dbos('message', 'DBOS, a workflow per message'),
  dbos('order', 'DBOS, a workflow per order ID'),
  restate,
  consumerLoop('each-message', 'loop, a commit per message', 1500),
  consumerLoop('default', "loop, kafkajs's default commits", 10_000),
  consumerLoop('batches', 'loop, batches of 500', 40_000),
  sinkConnector,
];

/**
 * Measures the systems in turn, after a warm-up round. Each round begins with another one.
 *
 * @param pids the servers that all of them share
 */
export async function sideBySide(
  rivals: readonly Rival[],
  pids: Pids,
  rounds: number,
): Promise<readonly RivalResult[]> {
  await installRivals();
  const sides = rivals.map((rival) => ({
    name: rival.name,
    rival,
    measure: () => measureRound(rival, pids),
  }));
  const samples = await measureInTurn<RoundSample, (typeof sides)[number]>(
    sides,
    rounds,
    (name, round, { value, latency }) => {
      log(`round ${round}`, name, `${format(value)} orders/s`, latency);
    },
  );
  const results: RivalResult[] = [];
  for (const [{ rival }, taken] of samples) results.push(await resultOf(rival, taken));
  return results;
}

async function resultOf(rival: Rival, samples: readonly RoundSample[]): Promise<RivalResult> {
  const killed = await measureKill(rival, false);
  log('after a SIGKILL', rival.name, killed);
  const killedWithServer = rival.hasServer ? await measureKill(rival, true) : undefined;
  if (killedWithServer) log('after a SIGKILL of its server too', rival.name, killedWithServer);
  const troubled = await measureBadMessages(rival);
  log('with bad messages', rival.name, troubled);
  return {
    name: rival.name,
    rate: spreadOf(samples.map(({ value }) => value)),
    cpu: medians(samples.map(({ cpu }) => cpu ?? {})),
    latency: spreadOfLatency(samples),
    memory: medians(samples.map(({ memory }) => memory)),
    killed,
    ...(killedWithServer ? { killedWithServer } : {}),
    troubled,
  };
}

function log(what: string, name: string, ...figures: readonly (string | object)[]): void {
  const texts = figures.map((figure) =>
    typeof figure === 'string' ? figure : JSON.stringify(figure),
  );
  console.error(`side-by-side  ${what}  ${name}: ${texts.join('  ')}`);
}
