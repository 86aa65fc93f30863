import type { Command } from 'commander';
import type { CapacityEstimate } from './estimate.ts';
import { ordersPerSecond } from '../../terminal/arguments.ts';
import { table } from '../../terminal/table.ts';

interface CapacityFlags {
  readonly ordersPerSecond: number;
  readonly json?: true;
}

export function addCapacityCommand(program: Command): void {
  program
    .command('capacity')
    .description('what a number of orders a second takes, from the measured cost of one')
    .requiredOption('--orders-per-second <number>', 'at the peak, up to 100000', ordersPerSecond)
    .option('--json', 'a JSON object on stdout, with what was measured and what is assumed')
    .addHelpText(
      'after',
      '\nCores are such as the cost was measured on. docs/capacity.md says what is assumed, and how to\nmeasure on your own machines.\n\nExample:\n  order-ingest capacity --orders-per-second 1000',
    )
    .action(run);
}

async function run({ ordersPerSecond: wanted, json }: CapacityFlags): Promise<void> {
  const { estimateCapacity } = await import('./estimate.ts');
  const estimate = estimateCapacity(wanted);
  if (json) {
    const { MEASURED } = await import('./estimate.ts');
    const { ASSUMPTIONS } = await import('./estimate.ts');
    console.log(JSON.stringify({ ...estimate, measured: MEASURED, assumptions: ASSUMPTIONS }));
  } else {
    console.log(asText(estimate));
  }
}

function asText(estimate: CapacityEstimate): string {
  const { kafka, temporal, postgres, cloud, limits } = estimate;
  const rows = [
    [
      'Kafka',
      `${count(kafka.partitions)} partitions, ${kafka.brokers} brokers`,
      bytes(kafka.bytesPerSecond, 's'),
    ],
    ['bridges', count(estimate.bridges), 'of 1 core'],
    ['workers', count(estimate.workers), 'of 2 cores'],
    [
      'Temporal',
      cores(temporal.serverCores),
      `${count(temporal.historyShards)} history shards; ${count(temporal.stateTransitionsPerSecond)} state transitions/s, ${count(temporal.grpcCallsPerSecond)} calls/s`,
    ],
    [
      'its database',
      cores(temporal.databaseCores),
      `${bytes(temporal.historyBytesPerDay, 'day')} of history, for as many days as the retention`,
    ],
    [
      'Postgres',
      cores(postgres.cores),
      `${count(postgres.connections)} connections, ${bytes(postgres.bytesPerDay, 'day')}`,
    ],
    [
      'or Temporal Cloud',
      `${count(cloud.actionsPerSecond)} actions/s`,
      `${count(cloud.actionsPerMonth)} in a month of this rate`,
    ],
  ];
  const text = table([`${count(estimate.ordersPerSecond)} orders/s`, 'takes', ''], rows);
  if (limits.length === 0) return text;
  const changes = limits.map(({ part, reached, change }) => `- ${part}, ${reached}: ${change}.`);
  return `${text}\n\nMore of the same does not do here:\n${changes.join('\n')}`;
}

const cores = (figure: number): string =>
  figure < 10 ? `${figure.toFixed(1)} cores` : `${count(figure)} cores`;

const count = (figure: number): string => Math.ceil(figure).toLocaleString('en');

function bytes(figure: number, per: string): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, figure)) / 3));
  return `${(figure / 1000 ** power).toFixed(1)} ${units[power]}/${per}`;
}
