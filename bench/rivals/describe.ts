import type { Spread } from '../harness/compare.ts';
import type { SideBySide } from './read-result.ts';
import { BAD_MESSAGES, type BadMessage, type KillResult, type RivalResult } from './result.ts';

type Cell = (rival: RivalResult) => string;
type Column = readonly [heading: string, cell: Cell];

const sum = (figures: Readonly<Record<string, number>>): number =>
  Object.values(figures).reduce((total, figure) => total + figure, 0);

/** Three digits, and a separator of thousands: `0.24`, `7.1`, `132`, `21,500`. */
export const rounded = (figure: number): string =>
  Number(figure.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });

const range = ({ low, high }: Spread) => `${rounded(low)} to ${rounded(high)}`;

const killed = ({ orders, lost }: KillResult) =>
  lost === 0 ? `none of ${rounded(orders)}` : `${lost} of ${rounded(orders)}`;

const COST: readonly Column[] = [
  ['orders/s', ({ rate }) => `${rounded(rate.median)} (${range(rate)})`],
  ['CPU of all processes per order', ({ cpu }) => `${rounded(sum(cpu))} ms`],
  [
    'latency p50, p99',
    ({ latency: { p50, p99 } }) => `${rounded(p50.median)}, ${rounded(p99.median)} ms`,
  ],
  ['memory without Kafka and Postgres', ({ memory }) => `${rounded(sum(memory))} MiB`],
];

const KILL: readonly Column[] = [
  ['orders lost', (rival) => killed(rival.killed)],
  ['messages read again', (rival) => rounded(rival.killed.readAgain)],
  [
    'orders lost with its server',
    ({ killedWithServer }) => (killedWithServer ? killed(killedWithServer) : 'no server'),
  ],
];

const MESSAGES: Readonly<Record<BadMessage, string>> = {
  conflict: 'another order with the same ID',
  'not-json': 'not JSON',
  nul: 'NUL in a text',
  constraint: 'rejected by a constraint',
};

const TROUBLE: readonly Column[] = [
  [
    'good orders blocked',
    ({ troubled: { stuck, goodOrders } }) => (stuck === 0 ? 'none' : `${stuck} of ${goodOrders}`),
  ],
  ...BAD_MESSAGES.map((message): Column => [
    MESSAGES[message],
    ({ troubled }) => troubled.ends[message],
  ]),
];

const RERUN: readonly Column[] = [
  ['run again with', ({ troubled }) => troubled.rerun.how],
  ['stored then', ({ troubled }) => (troubled.rerun.stored ? 'yes' : 'no')],
];

type TableName = 'cost' | 'forms' | 'cpu' | 'kill' | 'trouble' | 'rerun' | 'summary';

/** The tables of docs/comparison.md and, for order-ingest alone, of docs/one-process.md, by name. */
export const comparisonTables = (
  rivals: readonly RivalResult[],
): Readonly<Record<TableName, string>> => ({
  cost: table(rivals, COST),
  forms: table(rivals.filter(isInProduction), COST),
  cpu: table(rivals, cpuColumns(rivals)),
  kill: table(rivals, KILL),
  trouble: table(rivals, TROUBLE),
  rerun: table(rivals, RERUN),
  summary: table(rivals, [
    ['orders/s', ({ rate }) => rounded(rate.median)],
    ['CPU of all processes per order', ({ cpu }) => `${rounded(sum(cpu))} ms`],
    ['orders lost when killed', (rival) => (lostBy(rival) === 0 ? 'none' : `${lostBy(rival)}`)],
    ...TROUBLE.slice(0, 2),
    [
      'other bad messages',
      ({ troubled: { ends } }) =>
        [...new Set([ends['not-json'], ends.nul, ends.constraint])].join(', '),
    ],
  ]),
});

/** order-ingest with a Temporal server as in production. */
const isInProduction = ({ name }: RivalResult) => /^order-ingest.*on Postgres$/.test(name);

/** How many times the CPU time of a system that does the same work an order takes with order-ingest: `5 to 80`. */
export function priceRange(rivals: readonly RivalResult[]): string {
  const own = rivals.filter(isInProduction).map(({ cpu }) => sum(cpu));
  const others = rivals
    .filter(({ name }) => !/^order-ingest|sink/.test(name))
    .map(({ cpu }) => sum(cpu));
  const lowest = Math.min(...own) / Math.max(...others);
  const highest = Math.max(...own) / Math.min(...others);
  return `${Math.round(lowest)} to ${Math.round(highest)}`;
}

const lostBy = ({ killed, killedWithServer }: RivalResult) =>
  killed.lost + (killedWithServer?.lost ?? 0);

/** One column per process, without those that no system has. */
function cpuColumns(rivals: readonly RivalResult[]): readonly Column[] {
  const processes = [...new Set(rivals.flatMap(({ cpu }) => Object.keys(cpu)))];
  return processes.map((name) => [
    name,
    ({ cpu }) => (cpu[name] === undefined ? '' : rounded(cpu[name])),
  ]);
}

/** A table in Markdown, as Prettier formats it. */
function table(rivals: readonly RivalResult[], columns: readonly Column[]): string {
  return alignedRows(rivals, columns)
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** What the benchmark prints: one page. */
export function describeRivals(rivals: readonly RivalResult[]): string {
  const blocks = [COST, [...KILL, ...RERUN.slice(1)], TROUBLE];
  return blocks
    .map((columns) =>
      alignedRows(rivals, columns)
        .filter((_, index) => index !== 1)
        .map((cells) => cells.join('  ').trimEnd())
        .join('\n'),
    )
    .join('\n\n');
}

function alignedRows(
  rivals: readonly RivalResult[],
  columns: readonly Column[],
): readonly (readonly string[])[] {
  const rows = [
    ['system', ...columns.map(([heading]) => heading)],
    ...rivals.map((rival) => [rival.name, ...columns.map(([, cell]) => cell(rival))]),
  ];
  const widths = rows[0]?.map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths?.[at] ?? 0));
  const [heading = [], ...others] = rows.map(pad);
  return [heading, widths?.map((width) => '-'.repeat(width)) ?? [], ...others];
}

/**
 * When, on what machine and in how many rounds it was measured, in Markdown.
 *
 * @param day with a mark if the code has changed since
 */
export const conditions = ({ machine, rounds }: SideBySide, day: string): string =>
  [
    `- **Measured:** ${day}; rate, cost, latency and memory in ${rounds === 1 ? 'one round' : `${rounds} rounds, of which the tables have the median, with the lowest and the highest rate in brackets`}; the kills and the bad messages once.`,
    `- **Machine:** ${machine['processor'] ?? 'unknown'}, ${machine['memory'] ?? 'unknown'}, shared by all servers and programs; Node.js ${machine['node'] ?? 'unknown'}, and 22 for the service of Restate, whose SDK requires it.`,
    `- **Versions:** Temporal ${machine['Temporal server'] ?? 'unknown'}, kafkajs ${machine['kafkajs'] ?? 'unknown'}; those of DBOS and Restate are in [package.json](../bench/rivals/programs/package.json).`,
  ].join('\n');
