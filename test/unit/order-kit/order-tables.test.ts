import { orderItems, orderTables } from '../../../src/order-kit/order-tables.ts';

const definition = { table: 'shop_orders', idColumn: 'id', columns: {}, migrations: '/' };
const text = { type: 'text', value: () => 'x' };

test('lists the columns that the statements use', () => {
  const lines = orderItems({ table: 'lines', items: () => [], columns: { sku: text } });
  const { tables, migrationsTable } = orderTables({
    ...definition,
    columns: { order: text },
    items: [lines],
  });
  expect(tables).toEqual({
    shop_orders: [
      ...['id', 'order', 'source_topic', 'source_partition', 'source_offset', 'fingerprint'],
      ...['ingested_at', 'corrected_by', 'corrected_at', 'correction_reason'],
    ],
    lines: ['id', 'line_number', 'sku'],
  });
  expect(migrationsTable).toBe('shop_orders_migrations');
});

test.each(['jsonb', 'line_type', 'path.line', 'numeric(10, 2)', 'text[]', 'boxes'])(
  'a column can be of the type %s',
  (type) => {
    const columns = { place: { ...text, type } };
    expect(orderTables({ ...definition, columns }).tables).toBeDefined();
  },
);

test.each<readonly [string, () => unknown, RegExp]>([
  [
    'a name with capitals',
    () => orderTables({ ...definition, columns: { userId: text } }),
    /userId/,
  ],
  ['a table with a hyphen', () => orderTables({ ...definition, table: 'my-orders' }), /my-orders/],
  [
    'a table with a schema',
    () => orderTables({ ...definition, table: 'shop.orders' }),
    /shop\.orders.*search_path/,
  ],
  [
    'items in a table with a schema',
    () => orderItems({ table: 'shop.lines', items: () => [], columns: { sku: text } }),
    /shop\.lines.*search_path/,
  ],
  ...['json', 'JSON', 'json[]', 'xml', 'point', 'polygon', 'box'].map(
    (type) =>
      [
        `a column of the type ${type}`,
        () => orderTables({ ...definition, columns: { place: { ...text, type } } }),
        /"place".*(?:jsonb|text)/,
      ] as const,
  ),
  [
    'a column of items of the type json',
    () =>
      orderTables({
        ...definition,
        items: [
          orderItems({
            ...{ table: 'lines', items: () => [] },
            columns: { tax: { ...text, type: 'json' } },
          }),
        ],
      }),
    /"tax" of lines.*jsonb/,
  ],
  [
    'a column that the tools fill',
    () => orderTables({ ...definition, columns: { fingerprint: text } }),
    /fingerprint/,
  ],
  ['the ID as a column', () => orderTables({ ...definition, columns: { id: text } }), /"id"/],
  [
    'the line number as a column',
    () => orderItems({ table: 'l', items: () => [], columns: { line_number: text } }),
    /line_number/,
  ],
  ['items without columns', () => orderItems({ table: 'l', items: () => [], columns: {} }), /l:/],
  [
    'a relative folder',
    () => orderTables({ ...definition, migrations: './m' }),
    /import\.meta\.url/,
  ],
])('%s is an error that names it', (_name, create, expected) => {
  expect(create).toThrow(TypeError);
  expect(create).toThrow(expected);
});
