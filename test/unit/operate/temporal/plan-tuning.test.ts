import { describeTuning } from '../../../../src/operate/temporal/describe-tuning.ts';
import { planTuning } from '../../../../src/operate/temporal/plan-tuning.ts';
import type {
  SearchAttribute,
  VisibilityIndex,
  VisibilityTable,
} from '../../../../src/operate/temporal/visibility-indexes.ts';

const index = (
  name: string,
  attribute?: Partial<SearchAttribute>,
  changes: Partial<VisibilityIndex> = {},
): VisibilityIndex => ({
  name,
  definition: `CREATE INDEX ${name} ON public.executions_visibility USING btree (namespace_id, run_id)`,
  tablespace: undefined,
  bytes: 2 ** 20,
  isPartial: false,
  isValid: true,
  attribute: attribute && {
    column: name.replace('by_', ''),
    isBoolean: false,
    isSetAtClose: false,
    share: 0,
    ...attribute,
  },
  ...changes,
});

const tableWith = (...indexes: VisibilityIndex[]): VisibilityTable => ({
  database: 'temporal_visibility',
  schema: 'public',
  version: '1.14',
  rows: 1000,
  sampledRows: 1000,
  bytes: 2 ** 20,
  indexes,
});

const recommended = (...indexes: VisibilityIndex[]) =>
  planTuning(tableWith(...indexes)).recommended.map(({ name }) => name);

test('recommends a partial index for an attribute that at most half of the workflows have', () => {
  expect(
    recommended(
      index('by_unused', {}),
      index('by_half', { share: 0.5 }),
      index('by_most', { share: 0.51 }),
    ),
  ).toEqual(['by_unused', 'by_half']);
});

test('leaves alone what Temporal filters in a way that a partial index cannot answer', () => {
  expect(
    recommended(index('by_status'), index('by_division', { column: 'temporalnamespacedivision' })),
  ).toEqual([]);
});

test('leaves alone an index that is partial already or was not built completely', () => {
  expect(
    recommended(
      index('by_partial', {}, { isPartial: true }),
      index('by_invalid', {}, { isValid: false }),
    ),
  ).toEqual([]);
});

test('an attribute that is set when a workflow closes costs one entry less with a partial index', () => {
  const plan = planTuning(
    tableWith(
      index('by_length', { isSetAtClose: true, share: 0.99 }),
      index('by_size', { isSetAtClose: true, share: 0.99 }, { isPartial: true }),
    ),
  );
  expect(plan.recommended.map(({ name }) => name)).toEqual(['by_length']);
  expect(plan.entriesPerWorkflow).toBe(2 + 1);
  expect(plan.entriesPerWorkflowAfter).toBe(1 + 1);
});

test('the index of a boolean contains the workflows for which it is true or false', () => {
  const [, create] = planTuning(tableWith(index('by_bool_01', { isBoolean: true }))).statements;
  expect(create).toMatch(/ WHERE bool_01 OR NOT bool_01$/);
});

test('counts the entries that a workflow writes when it starts and when it closes', () => {
  const plan = planTuning(
    tableWith(
      index('by_status'),
      index('by_unused', {}),
      index('by_some', { share: 0.1 }, { isPartial: true }),
    ),
  );
  expect(plan.entriesPerWorkflow).toBeCloseTo(2 + 2 + 0.2);
  expect(plan.entriesPerWorkflowAfter).toBeCloseTo(2 + 0.2);
});

test('keeps the definition and the tablespace of the index, quoted where necessary', () => {
  const [, create] = planTuning(
    tableWith(index('by_Odd', { column: 'odd col' }, { tablespace: 'Fast' })),
  ).statements;
  expect(create).toBe(
    'CREATE INDEX CONCURRENTLY "by_Odd_partial" ON public.executions_visibility USING btree (namespace_id, run_id) TABLESPACE "Fast" WHERE "odd col" IS NOT NULL',
  );
});

test('drops what an interrupted run has left behind, and does not count it', () => {
  const plan = planTuning(
    tableWith(
      index('by_a', {}, { isPartial: true }),
      index('by_a_partial', {}, { isPartial: true, isValid: false }),
    ),
  );
  expect(plan.statements).toEqual(['DROP INDEX CONCURRENTLY IF EXISTS public.by_a_partial']);
  expect(plan.recommended).toEqual([]);
});

test('prints a script for psql: statements, and everything else as comments', () => {
  const table = tableWith(index('by_status'), index('by_unused', {}));
  const plan = planTuning(table);
  const text = describeTuning(table, plan);
  const sql = text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n');
  expect(sql).toBe(plan.statements.map((statement) => `${statement};`).join('\n'));
});

test('says so when there is nothing to recommend', () => {
  const table = tableWith(index('by_status'));
  expect(describeTuning(table, planTuning(table))).toContain('-- Nothing to recommend.');
});
