import { capacityText } from '../../src/operate/capacity/capacity-command.ts';
import { estimateCapacity, type OrderCost } from '../../src/operate/capacity/estimate.ts';
import { cluster } from '../benchmarks/cluster.ts';
import { deletion } from '../benchmarks/deletion.ts';
import { endToEnd } from '../benchmarks/end-to-end.ts';
import { cost } from '../benchmarks/cost.ts';
import { storage } from '../benchmarks/storage.ts';
import type { Result } from '../harness/report.ts';
import { orderText } from '../harness/orders.ts';
import { deletionCpu } from '../endurance/describe.ts';
import { enduranceCode, readEndurance } from '../endurance/read-result.ts';
import { readComparison } from '../harness/stored-result.ts';
import { createDays, withNotes } from './ages.ts';
import { cpuOf } from './cluster-table.ts';
import { markdownTable } from './markdown-table.ts';

/** An input of `order-ingest capacity`: the cost of one order. */
interface Input {
  /** Its name in src/operate/capacity/measured.ts. */
  readonly key: string;
  readonly what: string;
  readonly value: number;
  readonly unit: '' | ' ms';
  readonly by: string;
  readonly day: string;
}

const TEMPORAL_SERVICES = ['frontend', 'history', 'matching'] as const;
const CALLING_THE_DATABASE = ['history', 'matching'] as const;

/** The inputs of the calculator, and their table for docs/capacity.md. */
export function capacityInputs(folder: string): {
  readonly inputs: readonly Input[];
  readonly table: string;
} {
  const days = createDays(folder);
  const read = (name: string, temporal: 'dev' | 'postgres') => {
    const result = readComparison(folder, name, temporal);
    if (!result) throw new Error(`no result of ${name} with the server "${temporal}" in ${folder}`);
    return result;
  };
  const onPostgres = read(endToEnd.name, 'postgres');
  const onDevServer = read(endToEnd.name, 'dev');
  const counted = read(cost.name, 'dev');
  const clustered = read(cluster.name, 'postgres');
  const stored = read(storage.name, 'postgres');
  const deleted = read(deletion.name, 'postgres');
  const filled = readEndurance(folder, 'endurance-existing');
  if (!filled) throw new Error(`no result of bench:endurance with --existing in ${folder}`);
  const cpu = (result: Result, process: string) => result.subject.cpu[process] ?? Number.NaN;
  const postgresDay = {
    by: '`npm run bench -- end-to-end --temporal postgres`',
    day: days.of(onPostgres, endToEnd.code),
  };
  const costDay = { by: '`npm run bench -- cost`', day: days.of(counted, cost.code) };
  const clusterDay = {
    by: '`npm run bench -- cluster --temporal postgres`',
    day: days.of(clustered, cluster.code),
  };
  const deletionDay = {
    by: '`npm run bench -- deletion --temporal postgres`',
    day: days.of(deleted, deletion.code),
  };
  const filledDay = {
    by: `\`npm run bench:endurance -- --existing ${filled.existing}\``,
    day: days.of(filled, enduranceCode(filled.inOneProcess)),
  };
  const deletionMs = (process: string) => deletionCpu(filled, process) ?? Number.NaN;
  const storageDay = {
    by: '`npm run bench -- storage --temporal postgres`',
    day: days.of(stored, storage.code),
  };
  const devDay = days.of(onDevServer, endToEnd.code);
  const ofOrders = toDigits(cpu(onDevServer, 'postgres'), 1);
  const ms = (key: string, what: string, value: number, from = postgresDay): Input => ({
    ...{ key, what, value: toDigits(value, 2), unit: ' ms' },
    ...from,
  });
  const figure = (key: string, what: string, name: string, digits: number): Input => ({
    ...{
      key,
      what,
      value: toDigits(counted.subject.figures[name] ?? Number.NaN, digits),
      unit: '',
    },
    ...costDay,
  });
  const calls = (key: string, what: string, name: string): Input => ({
    ...{ key, what, value: toDigits(clustered.subject.figures[name] ?? Number.NaN, 2), unit: '' },
    ...clusterDay,
  });
  const bytes = (key: string, what: string, name: string): Input => ({
    ...{ key, what, value: toDigits(stored.subject.figures[name] ?? Number.NaN, 2), unit: '' },
    ...storageDay,
  });
  const orderId = 'A-1001';
  const inputs: readonly Input[] = [
    ms('bridgeCpuMs', 'CPU of the bridge', cpu(onPostgres, 'bridge')),
    ms('workerCpuMs', 'CPU of the worker', cpu(onPostgres, 'worker')),
    ...TEMPORAL_SERVICES.map((service) =>
      ms(
        `${service}CpuMs`,
        `CPU of Temporal's ${service} service, in processes of its own`,
        cpuOf(clustered.subject, `temporal ${service}`),
        clusterDay,
      ),
    ),
    ms(
      'temporalDatabaseCpuMs',
      "CPU of Temporal's database, without that for the orders' own tables",
      cpu(onPostgres, 'postgres') - ofOrders,
    ),
    ms('postgresCpuMs', 'CPU of Postgres for the orders', ofOrders, {
      by: '`npm run bench -- end-to-end`: with the dev server, Postgres stores nothing but orders',
      day: devDay,
    }),
    ms(
      'deletionCpuMs',
      "CPU of Temporal's server to delete it, with half a million others (all services in one process)",
      deletionMs('temporal'),
      filledDay,
    ),
    ms(
      'deletionDatabaseCpuMs',
      "CPU of Temporal's database to delete it, with half a million others, autovacuum included",
      deletionMs('postgres'),
      filledDay,
    ),
    {
      key: 'deletionDatabaseCalls',
      what: 'database calls of the history service to delete it',
      value: toDigits(deleted.subject.figures['database calls of history'] ?? Number.NaN, 2),
      unit: '',
      ...deletionDay,
    },
    ms('kafkaCpuMs', 'CPU of Kafka', cpu(onPostgres, 'kafka')),
    figure('stateTransitions', 'state transitions', 'state transitions', 2),
    figure('historyEvents', 'events of the history', 'history events', 2),
    figure('historyBytes', 'bytes of the history', 'history bytes', 3),
    ...TEMPORAL_SERVICES.map((service) =>
      calls(`${service}Calls`, `gRPC calls to its ${service} service`, `calls of ${service}`),
    ),
    ...CALLING_THE_DATABASE.map((service) =>
      calls(
        `${service}DatabaseCalls`,
        `calls of its ${service} service to the database`,
        `database calls of ${service}`,
      ),
    ),
    {
      key: 'actions',
      what: 'billable actions',
      value: counted.subject.value.median,
      unit: '',
      ...costDay,
    },
    bytes('mainBytes', "bytes in Temporal's main database, until it is deleted", 'main database'),
    bytes('visibilityBytes', 'bytes in its visibility database', 'visibility database'),
    bytes('rowBytes', 'bytes of its own rows, with two line items', 'tables of the orders'),
    {
      ...{ key: 'messageBytes', what: 'bytes of its message, with its key' },
      ...{ value: Buffer.byteLength(orderId) + Buffer.byteLength(orderText(orderId)), unit: '' },
      ...{ by: "counted: the benchmarks' order, with two line items", day: '' },
    },
  ];
  const rows = inputs.map(({ what, value, unit, by, day }) => [
    what,
    `${value.toLocaleString('en')}${unit}`,
    by,
    day,
  ]);
  const table = markdownTable(['cost per order', 'figure', 'by', 'measured'], rows);
  return { inputs, table: withNotes(table, days) };
}

/** Rounded to as many significant digits. */
const toDigits = (figure: number, digits: number) => Number(figure.toPrecision(digits));

/** One of the inputs, in its unit. */
export function orderCost(folder: string, key: string): number {
  const input = capacityInputs(folder).inputs.find((one) => one.key === key);
  if (!input) throw new Error(`order-ingest capacity has no input ${key}`);
  return input.value;
}

/** What `order-ingest capacity` prints for this rate, with the command. */
export function capacityExample(folder: string, rate: string): string {
  const cost = Object.fromEntries(
    capacityInputs(folder).inputs.map(({ key, value }) => [key, value]),
  ) as OrderCost;
  const printed = capacityText(estimateCapacity(Number(rate), cost));
  return `\`\`\`\n$ order-ingest capacity --orders-per-second ${rate}\n${printed}\n\`\`\``;
}

/** The text of src/operate/capacity/measured.ts. */
export const measuredModule = (folder: string): string => `/**
 * The cost of one order, measured by \`npm run bench\`. CPU is in milliseconds of one core of the machine that
 * docs/performance.md describes; docs/capacity.md says how to use your own figures.
 *
 * Generated by \`npm run docs\` from bench/results.
 */
export const MEASURED = {
${capacityInputs(folder)
  .inputs.map(({ key, what, value }) => `  /** ${what} */\n  ${key}: ${value},`)
  .join('\n')}
} as const;
`;
