import type { Command } from 'commander';
import { ordersPerSecond } from '../../terminal/arguments.ts';
import { counted } from '../../program/counted.ts';
import { table } from '../../terminal/table.ts';
import { ASSUMPTIONS, estimateCapacity, SERVER_LIMITS, type CapacityEstimate } from './estimate.ts';
import { MEASURED } from './measured.ts';

interface CapacityFlags {
  readonly ordersPerSecond: number;
  readonly json?: true;
}

export function addCapacityCommand(program: Command): void {
  program
    .command('capacity')
    .description('Estimate the resources needed for a given order rate')
    .requiredOption('--orders-per-second <number>', 'peak rate, up to 100000', ordersPerSecond)
    .option('--json', 'print a JSON object that includes the measurements and the assumptions')
    .addHelpText(
      'after',
      `
The estimate multiplies the measured cost of one order, with bridges and workers as separate
programs and a Temporal server that is configured as docs/temporal-server.md recommends. docs/capacity.md lists the assumptions and explains how to
measure on your own machines.

Example:
  order-ingest capacity --orders-per-second 1000`,
    )
    .action(run);
}

function run({ ordersPerSecond: rate, json }: CapacityFlags): void {
  const estimate = estimateCapacity(rate);
  console.log(
    json
      ? JSON.stringify({
          ...estimate,
          measured: MEASURED,
          assumptions: ASSUMPTIONS,
          serverLimits: SERVER_LIMITS,
        })
      : capacityText(estimate),
  );
}

/** What the command prints. */
export function capacityText(estimate: CapacityEstimate): string {
  const { kafka, temporal, postgres, cloud, limits } = estimate;
  const rows = [
    [
      'Kafka',
      `${count(kafka.partitions)} partitions, ${kafka.brokers} brokers`,
      `${bytes(kafka.bytesPerSecond, 's')}, ${cores(kafka.cores)} before replication`,
    ],
    ['bridges', count(estimate.bridges), 'up to 1 core each'],
    ['workers', count(estimate.workers), 'up to 2 cores each'],
    [
      'Temporal',
      cores(temporal.cores.frontend + temporal.cores.history + temporal.cores.matching),
      `${cores(temporal.cores.frontend, '')} for frontend, ${cores(temporal.cores.history, '')} for history, ${cores(temporal.cores.matching, '')} for matching; ${count(temporal.historyShards)} history shards, ${counted(temporal.taskQueuePartitions, 'task-queue partition')} (default: ${ASSUMPTIONS.defaultPartitions}); ${count(temporal.stateTransitionsPerSecond)} state transitions/s, ${count(temporal.grpcCallsPerSecond)} calls/s`,
    ],
    [
      'Temporal database',
      cores(temporal.databaseCores),
      `${bytes(temporal.mainBytesPerDay, 'day')}, and ${bytes(temporal.visibilityBytesPerDay, 'day')} of visibility, at this rate all day; multiply by the days of retention`,
    ],
    [
      'Postgres',
      cores(postgres.cores),
      `${count(postgres.connections)} connections; ${bytes(postgres.bytesPerDay, 'day')} of rows at this rate all day, which nothing deletes`,
    ],
    [
      'or Temporal Cloud',
      `${count(cloud.actionsPerSecond)} actions/s`,
      `${count(cloud.actionsPerMonth)} actions in 30 days at this rate; ${count(cloud.requestsPerSecond)} requests/s`,
    ],
  ];
  const text = table([`${count(estimate.ordersPerSecond)} orders/s`, 'need', ''], rows);
  if (limits.length === 0) return `${text}\n\n${BASIS}`;
  const changes = limits.map(({ part, reached, change }) => `- ${part}, ${reached}: ${change}.`);
  return `${text}\n\n${BASIS}\n\nAdding bridges and workers is not enough for:\n${changes.join('\n')}`;
}

const BASIS = `For separate bridges and workers, and orders of ${MEASURED.messageBytes} bytes with two line items. Cores are those of the
measurements, used to ${ASSUMPTIONS.utilisation * 100} %. Nothing has been run at this size.`;

function cores(figure: number, unit = ' cores'): string {
  if (figure < 0.1) return `less than 0.1${unit}`;
  return `${figure < 10 ? figure.toFixed(1) : count(figure)}${unit}`;
}

const count = (figure: number): string => Math.ceil(figure).toLocaleString('en');

function bytes(figure: number, per: string): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, figure)) / 3));
  return `${(figure / 1000 ** power).toFixed(1)} ${units[power]}/${per}`;
}
