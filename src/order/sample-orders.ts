import type { SampleMessage, SampleOptions } from '../contract/order-module.ts';

/** The kinds of broken samples: one for each outcome of a message that is not stored. */
const BROKEN_KINDS = [
  'not-json',
  'invalid-order',
  'duplicate',
  'conflicting-duplicate',
  'no-order-id',
  'not-utf8',
  'tombstone',
] as const;
type BrokenKind = (typeof BROKEN_KINDS)[number];

/** Generates sample orders, the same ones for the same options. */
export function* sampleOrders({
  count,
  broken,
  idPrefix,
}: SampleOptions): Generator<SampleMessage> {
  const orderId = (index: number) => `${idPrefix}-${String(index + 1).padStart(4, '0')}`;
  for (let index = 0; index < count; index += 1) yield sampleOrder(orderId(index), index);
  for (let index = 0; index < broken; index += 1) {
    const kind = BROKEN_KINDS[index % BROKEN_KINDS.length] ?? 'not-json';
    yield brokenMessage(kind, `${idPrefix}-broken-${String(index + 1)}`, orderId(0));
  }
}

const CUSTOMERS = [
  'Ada Lovelace',
  'Grace Hopper',
  '山田 太郎',
  'Zoë Ångström',
  'أمينة حداد',
  'Алан 🚀',
];
const START = Date.UTC(2026, 0, 1, 9, 30);
const MINUTE_MS = 60_000;

function sampleOrder(orderId: string, index: number): SampleMessage {
  const items = Array.from({ length: 1 + (index % 3) }, (_, line) => {
    const cents = 199 + ((index * 37 + line * 101) % 5000);
    return {
      product: `P-${100 + ((index + line) % 50)}`,
      quantity: 1 + ((index + line) % 4),
      cents,
    };
  });
  const total = items.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0);
  // Not JSON.stringify, which writes 10.50 as 10.5.
  const lineItems = items.map(
    ({ product, quantity, cents }) =>
      `{"product_id": "${product}", "quantity": ${quantity}, "unit_price": ${amount(cents)}}`,
  );
  const createdAt = new Date(START + index * MINUTE_MS).toISOString().replace('Z', '456Z');
  const customer = CUSTOMERS[index % CUSTOMERS.length] ?? '';
  return {
    key: orderId,
    value: `{"order_id": "${orderId}", "created_at": "${createdAt}", "customer_name": "${customer}", "total_price": ${amount(total)}, "line_items": [${lineItems.join(', ')}]}`,
  };
}

const amount = (cents: number): string => (cents / 100).toFixed(2);

/** @param firstId the ID of the valid order that the duplicates repeat */
function brokenMessage(kind: BrokenKind, orderId: string, firstId: string): SampleMessage {
  switch (kind) {
    case 'not-json':
      return { key: orderId, value: 'this is not JSON' };
    case 'invalid-order':
      return {
        key: orderId,
        value: `{"order_id": "${orderId}", "created_at": "yesterday", "customer_name": "", "total_price": -1, "line_items": []}`,
      };
    case 'duplicate':
      return sampleOrder(firstId, 0);
    case 'conflicting-duplicate':
      return sampleOrder(firstId, 1);
    case 'no-order-id':
      return { key: null, value: '{"customer_name": "Nobody"}' };
    case 'not-utf8':
      return { key: orderId, value: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) };
    case 'tombstone':
      return { key: orderId, value: null };
    default:
      return kind satisfies never;
  }
}
