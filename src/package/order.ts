/**
 * `order-ingest/order`: what an order module is written with, and the built-in order. A producer can check a
 * message before it sends it with `orderModule.translate`.
 */
export type {
  Identification,
  OrderDatabase,
  OrderDescription,
  OrderList,
  OrderModule,
  OrderRecord,
  OrderStorage,
  SampleMessage,
  SampleOptions,
  StartPreferences,
  StoredOrder,
  StoreOutcome,
  Translation,
  ValidationIssue,
} from '../contract/order-module.ts';
export { formatIssue, translateText } from '../contract/order-module.ts';
export {
  canonicalJson,
  digitsOf,
  exactNumber,
  isJsonObject,
  JsonNumber,
  parseJson,
  type Json,
  type JsonObject,
  type ParsedJson,
} from '../contract/json.ts';
export { parseOrderId, type OrderId } from '../contract/order-id.ts';
export { err, ok, type Parsed } from '../contract/parsed.ts';
export { defineOrder, type OrderDefinition } from '../order-kit/define-order.ts';
export * as fields from '../order-kit/fields.ts';
export { jsonText, translateWith, type TranslatedFields } from '../order-kit/fields.ts';
export {
  fingerprintOfJson,
  fingerprintOfValues,
  type IdentityValue,
} from '../order-kit/fingerprint.ts';
export { parseInstant, type Instant } from '../order-kit/instant.ts';
export { Decimal } from '../order-kit/exact-decimal.ts';
export { Money } from '../order-kit/money.ts';
export { compositeId, idText } from '../order-kit/order-ids.ts';
export {
  orderItems,
  orderTables,
  SOURCE_COLUMNS,
  type Column,
  type Columns,
  type ColumnValue,
  type ItemTable,
  type OrderTablesDefinition,
} from '../order-kit/order-tables.ts';
export { orderModule } from '../order/order-module.ts';
export type { LineItem, Order } from '../order/order.ts';
