import { quoteName } from '../../postgres/privileges.ts';
import {
  VISIBILITY_TABLE,
  type SearchAttribute,
  type VisibilityIndex,
  type VisibilityTable,
} from './visibility-indexes.ts';

/** What to change in the indexes of Temporal's visibility. */
export interface TuningPlan {
  /** The full indexes that should contain only the workflows that have a value. */
  readonly recommended: readonly SparseIndex[];
  /** Indexes that an interrupted run of the statements has left behind. */
  readonly leftovers: readonly string[];
  /** How many index entries Temporal writes per workflow, at least. */
  readonly entriesPerWorkflow: number;
  /** The same after the change. */
  readonly entriesPerWorkflowAfter: number;
  /** What to run, one statement at a time and outside a transaction. */
  readonly statements: readonly string[];
}

export interface SparseIndex {
  readonly name: string;
  readonly column: string;
  readonly share: number;
  readonly bytes: number;
}

/** Above this share of workflows that have a value when they start, a partial index saves too little to rebuild it. */
const MAX_SHARE = 0.5;
/** The name of the new index until it replaces the present one. */
const SUFFIX = '_partial';
/** Longer than any query of Temporal should take. Meanwhile, other statements wait behind the swap. */
const LOCK_TIMEOUT = '2s';
/** Temporal inserts the row when a workflow starts, and updates all of its index entries when it closes. */
const WRITES_PER_WORKFLOW = 2;

/** How many entries a workflow writes to the index. */
const entriesIn = ({ attribute }: VisibilityIndex, isPartial: boolean): number => {
  if (!isPartial || !attribute) return WRITES_PER_WORKFLOW;
  return attribute.isSetAtClose ? 1 : WRITES_PER_WORKFLOW * attribute.share;
};

/** Which indexes should be partial, and how to make them so while the server runs. */
export function planTuning({ schema, indexes }: VisibilityTable): TuningPlan {
  const names = new Set(indexes.map(({ name }) => name));
  const isLeftover = ({ name }: VisibilityIndex) =>
    name.endsWith(SUFFIX) && names.has(name.slice(0, -SUFFIX.length));
  const leftovers = indexes.filter(isLeftover).map(({ name }) => name);
  const present = indexes.filter((index) => !isLeftover(index));
  const changes = present.flatMap((index) => {
    const attribute = sparseAttribute(index);
    return attribute ? [{ index, attribute }] : [];
  });
  const recommended = changes.map(({ index: { name, bytes }, attribute: { column, share } }) => ({
    ...{ name, column, share, bytes },
  }));
  const isRecommended = new Set(recommended.map(({ name }) => name));
  const entries = (isPartial: (index: VisibilityIndex) => boolean) =>
    present.reduce((sum, index) => sum + entriesIn(index, isPartial(index)), 0);
  return {
    recommended,
    leftovers,
    entriesPerWorkflow: entries(({ isPartial }) => isPartial),
    entriesPerWorkflowAfter: entries(({ name, isPartial }) => isPartial || isRecommended.has(name)),
    statements: [
      ...leftovers.map(
        (name) => `DROP INDEX CONCURRENTLY IF EXISTS ${quoteName(schema)}.${quoteName(name)}`,
      ),
      ...changes.flatMap(({ index, attribute }) =>
        replaceIndex(schema, index, hasValue(attribute)),
      ),
    ],
  };
}

/** The attribute of an index that should be partial. Temporal adds `TemporalNamespaceDivision IS NULL` to every query. */
function sparseAttribute({
  isPartial,
  isValid,
  attribute,
}: VisibilityIndex): SearchAttribute | undefined {
  if (isPartial || !isValid || attribute?.column === 'temporalnamespacedivision') return undefined;
  const isSparse = attribute && (attribute.isSetAtClose || attribute.share <= MAX_SHARE);
  return isSparse ? attribute : undefined;
}

/**
 * A condition that every comparison with a value implies, so that Postgres answers it with an index of the rows that
 * meet the condition. Postgres turns `column = false` into `NOT column`, and does not see that this implies
 * `column IS NOT NULL`.
 */
function hasValue({ column, isBoolean }: SearchAttribute): string {
  const name = quoteName(column);
  return isBoolean ? `${name} OR NOT ${name}` : `${name} IS NOT NULL`;
}

/**
 * Builds the new index without blocking writes, then swaps both in one short transaction. Neither a failure of
 * the build nor one of the swap leaves the table without the index.
 */
function replaceIndex(
  schema: string,
  { name, definition, tablespace }: VisibilityIndex,
  condition: string,
): readonly string[] {
  const qualified = (index: string) => `${quoteName(schema)}.${quoteName(index)}`;
  const next = `${name}${SUFFIX}`;
  const on = definition.indexOf(' ON ');
  const place = tablespace === undefined ? '' : ` TABLESPACE ${quoteName(tablespace)}`;
  return [
    `DROP INDEX CONCURRENTLY IF EXISTS ${qualified(next)}`,
    `CREATE INDEX CONCURRENTLY ${quoteName(next)}${definition.slice(on)}${place} WHERE ${condition}`,
    `DO $swap$ BEGIN
  SET LOCAL lock_timeout = '${LOCK_TIMEOUT}';
  IF NOT (SELECT indisvalid FROM pg_index WHERE indexrelid = '${qualified(next)}'::regclass) THEN
    RAISE EXCEPTION '${next} was not built completely; ${VISIBILITY_TABLE} keeps ${name} as it is';
  END IF;
  DROP INDEX ${qualified(name)};
  ALTER INDEX ${qualified(next)} RENAME TO ${quoteName(name)};
END $swap$`,
  ];
}
