import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOtherForm } from '../contract/fingerprint.ts';
import { isSamePosition } from '../contract/message.ts';
import type {
  OrderDatabase,
  OrderDescription,
  OrderRecord,
  OrderStorage,
  StoredOrder,
  StoreOutcome,
} from '../contract/order-module.ts';
import { Decimal } from './exact-decimal.ts';
import { runStatement, statementName } from '../postgres/statements.ts';

/** A column that holds a value of an order, or of one of its items. */
export interface Column<Source> {
  /** The type of the column in Postgres, such as `text`, `numeric`, `timestamptz` or `jsonb`. */
  readonly type: string;
  /** The value. A `numeric` is a `Decimal`, `Money` or digits, a `jsonb` its text (`jsonText`). */
  readonly value: (source: Source) => ColumnValue;
}

export type ColumnValue = string | number | bigint | boolean | null | Decimal;

export type Columns<Source> = Readonly<Record<string, Column<Source>>>;

/** A table with one row per item of an order. `orderItems` creates it. */
export interface ItemTable<Order> {
  readonly table: string;
  readonly name: string;
  readonly primaryKey: string;
  readonly types: Readonly<Record<string, string>>;
  /** One array for each column, with the values of all items. */
  readonly values: (order: Order) => unknown[][];
}

/**
 * A table of items. Its primary key is the order's ID, in a column named as in the table of orders, and
 * `line_number`, which counts from 1 in the order of the message.
 */
export const orderItems = <Order, Item>(definition: {
  readonly table: string;
  /** The name under which `orders show` prints the items; the table's name if left out. */
  readonly name?: string;
  /** The name of the primary key's constraint; `<table>_pkey` if left out. */
  readonly primaryKey?: string;
  readonly items: (order: Order) => readonly Item[];
  readonly columns: Columns<Item>;
}): ItemTable<Order> => {
  const { table, name = table, primaryKey = `${table}_pkey`, items, columns } = definition;
  if (Object.keys(columns).length === 0) throw new TypeError(`${table}: it has no columns`);
  checkNames(table, columns, ['line_number']);
  return {
    table,
    name,
    primaryKey,
    types: mapValues(columns, ({ type }) => type),
    values: (order) => {
      const rows = items(order);
      return Object.values(columns).map(({ value }) =>
        rows.map((item) => asParameter(value(item))),
      );
    },
  };
};

export interface OrderTablesDefinition<Order> {
  /** The table with one row per order. */
  readonly table: string;
  /** The column with the order ID, in this table and in those of the items. */
  readonly idColumn: string;
  /** The name of the primary key's constraint; `<table>_pkey` if left out. */
  readonly primaryKey?: string;
  /** The columns with the values of the order, without its ID, which is of the type `text`. */
  readonly columns: Columns<Order>;
  readonly items?: readonly ItemTable<Order>[];
  /**
   * The folder with one `.sql` file per migration: `new URL('./migrations', import.meta.url)`, or an absolute
   * path. The first one creates the tables, with `SOURCE_COLUMNS`.
   */
  readonly migrations: string | URL;
  /** The table in which the migrations that have run are recorded; `<table>_migrations` if left out. */
  readonly migrationsTable?: string;
}

/**
 * The columns that the table of orders has for the tools, besides those of the order. `fingerprint` and the
 * source are what duplicates, `reconcile` and `orders show` go by.
 */
export const SOURCE_COLUMNS = [
  ...['source_topic', 'source_partition', 'source_offset', 'fingerprint', 'ingested_at'],
  ...['corrected_by', 'corrected_at', 'correction_reason'],
] as const;

/**
 * Stores orders in a table of orders and tables of their items, with one statement per order: one round trip
 * and one transaction. Throws a TypeError if a name is not usable.
 */
export function orderTables<Order>(definition: OrderTablesDefinition<Order>): OrderStorage<Order> {
  const { table, idColumn, columns, items = [] } = definition;
  checkNames(table, { [idColumn]: undefined }, SOURCE_COLUMNS);
  checkNames(table, columns, [idColumn, ...SOURCE_COLUMNS]);
  for (const item of items) checkNames(item.table, item.types, [idColumn]);
  const types = mapValues(columns, ({ type }) => type);
  for (const checked of [{ table, types }, ...items]) checkTypes(checked.table, checked.types);
  const { primaryKey = `${table}_pkey`, migrationsTable = `${table}_migrations` } = definition;
  // Those of all tables, because Postgres does not define which one it checks first.
  const primaryKeys = [primaryKey, ...items.map((item) => item.primaryKey)];
  const insert = insertStatement(definition);
  const compare = compareStatement(definition);
  const find = findStatement(definition);
  const describe = describeStatement(definition);
  const select = { operation: 'SELECT', table };

  const orderValues = (order: Order) =>
    Object.values(columns).map(({ value }) => asParameter(value(order)));
  const itemValues = (order: Order) => items.flatMap((item) => item.values(order));

  async function compareWithStored(
    database: OrderDatabase,
    orderId: string,
    order: Order,
  ): Promise<ComparedRow | undefined> {
    const values = [orderId, ...orderValues(order), ...itemValues(order)];
    const { rows } = await runStatement<ComparedRow>(database, select, { ...compare, values });
    return rows[0];
  }

  async function insertOrCompare(
    database: OrderDatabase,
    record: OrderRecord<Order>,
  ): Promise<StoreOutcome> {
    const { orderId, order, source, fingerprint, correction } = record;
    const values = [
      ...[orderId, ...orderValues(order)],
      ...[source.topic, source.partition, source.offset, fingerprint],
      ...[correction?.by, correction?.at, correction?.reason],
      ...itemValues(order),
    ];
    let violation: UniqueViolation;
    try {
      await runStatement(database, { operation: 'INSERT', table }, { ...insert, values });
      return { kind: 'stored' };
    } catch (error) {
      // Where the same order is stored already, each of its unique constraints may be the one that is reported.
      if (!isUniqueViolation(error)) throw error;
      violation = error;
    }
    const stored = await compareWithStored(database, orderId, order);
    if (!stored && !primaryKeys.includes(String(violation.constraint))) throw violation;
    if (!stored) throw new Error('the stored order has been deleted in the meantime');
    // Rows, and records in workflows that are still running, may hold an older version's fingerprint.
    return stored.fingerprint === fingerprint || stored.has_same_values || isOwnRow(stored, record)
      ? { kind: 'already-stored' }
      : { kind: 'conflict', storedFrom: sourceOf(stored) };
  }

  return {
    orderTable: table,
    tables: {
      [table]: [idColumn, ...Object.keys(columns), ...SOURCE_COLUMNS],
      ...Object.fromEntries(
        items.map((item) => [item.table, [idColumn, 'line_number', ...Object.keys(item.types)]]),
      ),
    },
    migrationsDir: folderOf(definition.migrations),
    migrationsTable,
    store: insertOrCompare,
    findByIds: async (database, orderIds) => {
      const { rows } = await database.query<FoundRow>({ text: find, values: [orderIds] });
      return rows.map((row) => ({
        orderId: row.order_id,
        fingerprint: row.fingerprint,
        source: sourceOf(row),
        isCorrected: row.is_corrected,
      })) satisfies readonly StoredOrder[];
    },
    hasValues: async (database, orderId, order) =>
      (await compareWithStored(database, orderId, order))?.has_same_values ?? false,
    describe: async (database, orderId) => {
      const { rows } = await database.query<Record<string, unknown>>({
        text: describe,
        values: [orderId],
      });
      return rows[0] && describeRow(rows[0], items);
    },
  };
}

type SourceRow = {
  readonly fingerprint: string;
  readonly source_topic: string;
  readonly source_partition: number;
  /** A `bigint`, which pg returns as digits. */
  readonly source_offset: string;
};

type ComparedRow = SourceRow & {
  readonly corrected_at: string | null;
  readonly has_same_values: boolean;
};

/**
 * Whether an older version stored the row from this very message: the position is the message's, the correction is
 * the record's, and only the form of the fingerprint differs. Its values may differ from what this version reads in
 * the message: a column that is newer than the row is null.
 *
 * After the topic was recreated, another message of the same order can be at the position. It is taken for the
 * stored one as well, if the form has changed since and the workflow has expired: nothing here tells it from a
 * message with a new column, and that one must not fail. `reconcile` reports it as missing.
 */
const isOwnRow = (stored: ComparedRow, { source, fingerprint, correction }: OrderRecord): boolean =>
  isSamePosition(sourceOf(stored), source) &&
  isOtherForm(stored.fingerprint, fingerprint) &&
  (stored.corrected_at === null
    ? correction === undefined
    : correction !== undefined && Date.parse(stored.corrected_at) === Date.parse(correction.at));

type FoundRow = SourceRow & { readonly order_id: string; readonly is_corrected: boolean };

const sourceOf = (row: SourceRow) => ({
  topic: row.source_topic,
  partition: row.source_partition,
  offset: row.source_offset,
});

type UniqueViolation = Error & { readonly constraint: unknown };

const UNIQUE_VIOLATION = '23505';

const isUniqueViolation = (error: unknown): error is UniqueViolation =>
  error instanceof Error &&
  'code' in error &&
  error.code === UNIQUE_VIOLATION &&
  'constraint' in error;

/** As `pg` takes it. */
const asParameter = (value: ColumnValue): string | number | boolean | null =>
  typeof value === 'bigint' || value instanceof Decimal ? value.toString() : value;

/** A folded or quoted name in a migration would not be the name that the statements use. */
const NAME = /^[a-z_][a-z0-9_]*$/;

/** Throws a TypeError if a name is not one that is written the same with and without quotes, or is taken. */
function checkNames(
  table: string,
  columns: Readonly<Record<string, unknown>>,
  taken: readonly string[],
) {
  if (table.includes('.')) {
    throw new TypeError(
      `the table "${table}": expected a name without a schema; select the schema with ?options=-csearch_path%3Dname in DATABASE_URL`,
    );
  }
  if (!NAME.test(table)) {
    throw new TypeError(
      `the table "${table}": expected a name of lower-case letters, digits and underscores`,
    );
  }
  for (const column of Object.keys(columns)) {
    if (!NAME.test(column)) {
      throw new TypeError(
        `the column "${column}" of ${table}: expected a name of lower-case letters, digits and underscores`,
      );
    }
    if (taken.includes(column)) {
      throw new TypeError(`the column "${column}" of ${table} is one that order-ingest fills`);
    }
  }
}

/**
 * Types that Postgres cannot compare, or compares by something else than the value: `box` and `circle` by their
 * area. An order is compared with its row if it arrives again.
 */
const NOT_COMPARABLE =
  /^\s*(?:json|jsonpath|xml|point|line|lseg|box|path|polygon|circle)(?![\w.])/i;

function checkTypes(table: string, types: Readonly<Record<string, string>>) {
  for (const [column, type] of Object.entries(types)) {
    if (NOT_COMPARABLE.test(type)) {
      throw new TypeError(
        `the column "${column}" of ${table}: Postgres cannot compare values of the type ${type}; use ${/^\s*json\b/i.test(type) ? 'jsonb' : 'text, or a column for each number'}`,
      );
    }
  }
}

/** Quoted, because a name may be a keyword, such as `order`. */
const quoted = (name: string): string => name.replace(/[^.]+/g, '"$&"');
const quotedList = (names: readonly string[]): string => names.map(quoted).join(', ');

/** Counts the parameters of a statement: `$1`, `$2` and so on. */
function parameters(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `$${count}`;
  };
}

/**
 * Fails with a unique violation if the order ID is taken. `ON CONFLICT` would make every new order a sixth
 * more expensive, and workflow IDs let few orders arrive here twice.
 */
function insertStatement({ table, idColumn, columns, items = [] }: OrderTablesDefinition<never>) {
  const next = parameters();
  const orderColumns = [idColumn, ...Object.keys(columns), ...INSERTED_SOURCE_COLUMNS];
  const values = orderColumns.map(next);
  const inserts = items.map(
    (item, index) => `item_${index} AS (
  INSERT INTO ${quoted(item.table)} (${quotedList([idColumn, 'line_number', ...Object.keys(item.types)])})
  SELECT ${values[0]}, ${quotedList(['line_number', ...Object.keys(item.types)])}
  FROM ${unnest(item, next)}
)`,
  );
  const text = `${inserts.length === 0 ? '' : `WITH ${inserts.join(',\n')}\n`}INSERT INTO ${quoted(table)} (
  ${quotedList(orderColumns)}
)
VALUES (${values.join(', ')})`;
  return { name: statementName(`insert-${table}`, text), text };
}

/** `ingested_at` has a default. */
const INSERTED_SOURCE_COLUMNS = SOURCE_COLUMNS.filter((column) => column !== 'ingested_at');

/** The items of an order as rows, from one array for each column. */
const unnest = ({ types }: ItemTable<never>, next: () => string): string =>
  `unnest(${Object.values(types)
    .map((type) => `${next()}::${withoutLength(type)}[]`)
    .join(', ')})
    WITH ORDINALITY AS item (${quotedList([...Object.keys(types), 'line_number'])})`;

/** A cast to `varchar(3)` would truncate a longer value, which the column then accepts. */
const withoutLength = (type: string): string => type.replace(/\s*\([^)]*\)/, '');

/**
 * Compares an order with the row that has its ID. Values are compared and not texts: 10.50 equals 10.5. This
 * also recognizes a row whose fingerprint an older version wrote.
 */
function compareStatement({ table, idColumn, columns, items = [] }: OrderTablesDefinition<never>) {
  const next = parameters();
  const id = next();
  const comparisons = [
    ...Object.keys(columns).map((column) => `${quoted(column)} IS NOT DISTINCT FROM ${next()}`),
    ...items.map((item) => {
      const names = Object.keys(item.types);
      return `NOT EXISTS (
    SELECT
    FROM (
      SELECT ${quotedList(['line_number', ...names])}
      FROM ${quoted(item.table)}
      WHERE ${quoted(idColumn)} = ${id}
    ) AS stored
    FULL JOIN ${unnest(item, next)} USING (line_number)
    WHERE stored.line_number IS NULL OR item.line_number IS NULL
      OR (${quotedList(names.map((name) => `stored.${name}`))})
      IS DISTINCT FROM (${quotedList(names.map((name) => `item.${name}`))})
  )`;
    }),
  ];
  const text = `SELECT fingerprint, source_topic, source_partition, source_offset,
  ${asText('corrected_at', 'timestamptz')} AS corrected_at,
  ${comparisons.length === 0 ? 'true' : comparisons.join(' AND ')} AS has_same_values
FROM ${quoted(table)}
WHERE ${quoted(idColumn)} = ${id}`;
  return { name: statementName(`compare-${table}`, text), text };
}

const findStatement = ({ table, idColumn }: OrderTablesDefinition<never>): string => `
SELECT ${quoted(idColumn)} AS order_id, fingerprint, source_topic, source_partition, source_offset,
  corrected_by IS NOT NULL AS is_corrected
FROM ${quoted(table)}
WHERE ${quoted(idColumn)} = ANY($1::text[])`;

function describeStatement({ table, idColumn, columns, items = [] }: OrderTablesDefinition<never>) {
  const shown = [
    ...Object.entries(columns).map(
      ([name, { type }]) => `${asText(name, type)} AS ${quoted(name)}`,
    ),
    // An order may well have a field with this name.
    `source_topic || '/' || source_partition || '/' || source_offset AS ${'source' in columns ? 'message' : 'source'}`,
    'fingerprint',
    `${asText('ingested_at', 'timestamptz')} AS ingested_at`,
    'corrected_by',
    `${asText('corrected_at', 'timestamptz')} AS corrected_at`,
    'correction_reason',
    ...items.map((item, index) => {
      const values = Object.entries(item.types).map(([name, type]) => asText(name, type));
      return `(
    SELECT coalesce(json_agg(ARRAY[${values.join(', ')}] ORDER BY line_number), '[]')
    FROM ${quoted(item.table)} AS item
    WHERE item.${quoted(idColumn)} = stored.${quoted(idColumn)}
  ) AS "${listColumn(index)}"`;
    }),
  ];
  return `SELECT
  ${shown.join(',\n  ')}
FROM ${quoted(table)} AS stored
WHERE stored.${quoted(idColumn)} = $1`;
}

/** No column of an order can have this name. */
const listColumn = (index: number): string => `item:${index}`;

/** Instants in ISO 8601 to the microsecond, everything else as Postgres writes it. */
const asText = (column: string, type: string): string =>
  TIMESTAMPTZ.test(type)
    ? `to_char(${quoted(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    : `${quoted(column)}::text`;

const TIMESTAMPTZ = /^timestamp(?:tz|.* with time zone)/i;

function describeRow(
  row: Readonly<Record<string, unknown>>,
  items: readonly ItemTable<never>[],
): OrderDescription {
  const listNames = items.map((_, index) => listColumn(index));
  const columns = Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !listNames.includes(name))
      .map(([name, value]) => [name, value as string | null]),
  );
  const lists = Object.fromEntries(
    items.map(({ name, types }, index) => [
      name,
      {
        columns: Object.keys(types),
        numeric: Object.keys(types).filter((column) => NUMERIC.test(types[column] ?? '')),
        rows: row[listColumn(index)] as readonly (readonly (string | null)[])[],
      },
    ]),
  );
  return { columns, lists };
}

const NUMERIC = /^(?:numeric|decimal|smallint|integer|bigint|int\d*|real|double precision)\b/i;

function folderOf(folder: string | URL): string {
  if (folder instanceof URL || folder.startsWith('file:')) return fileURLToPath(folder);
  if (path.isAbsolute(folder)) return folder;
  throw new TypeError(
    "migrations: expected an absolute path, or new URL('./migrations', import.meta.url)",
  );
}

const mapValues = <Value, Result>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Result,
): Readonly<Record<string, Result>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
