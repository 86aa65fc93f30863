import { counted } from '../../program/counted.ts';
import type { TuningPlan } from './plan-tuning.ts';
import { VISIBILITY_TABLE, type VisibilityTable } from './visibility-indexes.ts';

/** What was found, as comments, and the SQL: a script for psql. */
export function describeTuning(table: VisibilityTable, plan: TuningPlan): string {
  const { statements } = plan;
  const comments = [...findings(table, plan), ...(statements.length > 0 ? HOW_TO_RUN : [])];
  return [
    ...comments.map((line) => `-- ${line}`.trimEnd()),
    ...statements.map((statement) => `${statement};`),
  ].join('\n');
}

function findings(
  { database, schema, version, rows, sampledRows, bytes, indexes }: VisibilityTable,
  { recommended, leftovers, ...plan }: TuningPlan,
): readonly string[] {
  const indexBytes = sum(indexes.map((index) => index.bytes));
  const partial = indexes.filter(({ isPartial }) => isPartial).length;
  const unused = indexes.filter(({ attribute }) => attribute?.share === 0).length;
  const lines = [
    `${VISIBILITY_TABLE} in "${database}", schema "${schema}", version ${version ?? 'unknown'} of Temporal's schema:`,
    `${count(rows)} workflows, ${mebibytes(bytes)} of table, ${mebibytes(indexBytes)} in ${counted(indexes.length, 'index').replace('indexs', 'indexes')}, ${partial} of them partial`,
    `${unused} are on search attributes that none of ${count(sampledRows)} workflows has`,
    `a workflow writes at least ${count(plan.entriesPerWorkflow)} index entries: one per index when it starts, one when it closes`,
  ];
  if (recommended.length === 0) {
    return [...lines, leftovers.length > 0 ? DROP_LEFTOVERS : 'Nothing to recommend.'];
  }
  const saved = sum(recommended.map((index) => index.bytes * (1 - index.share)));
  return [
    ...lines,
    '',
    `Recommended: limit ${recommended.length} of the indexes to the workflows that have a value. That leaves ${count(plan.entriesPerWorkflowAfter)} entries`,
    `per workflow, and about ${mebibytes(indexBytes - saved)} of indexes.`,
  ];
}

const DROP_LEFTOVERS =
  'Nothing to recommend, except to drop what an interrupted run has left behind.';

const HOW_TO_RUN = [
  '',
  'Run this as the owner of the table, with `psql -v ON_ERROR_STOP=1` or statement by statement: CREATE INDEX CONCURRENTLY',
  'cannot run in a transaction. The Temporal server can keep running. If a statement fails, run `order-ingest temporal',
  'tune` again: it prints what remains to be done.',
  '',
];

const sum = (figures: readonly number[]) => figures.reduce((total, figure) => total + figure, 0);

const count = (figure: number) => Math.round(figure).toLocaleString('en');

const mebibytes = (bytes: number) => `${count(bytes / 2 ** 20)} MiB`;
