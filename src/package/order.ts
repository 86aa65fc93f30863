/**
 * `order-ingest/order`: the rules of the built-in order module. A producer can check a message before it
 * sends it, and a consumer of the tables or of dead letters can read messages as order-ingest does.
 */
export { parseInstant, type Instant } from '../order/instant.ts';
export { Money } from '../order/money.ts';
export type { LineItem, Order } from '../order/order.ts';
export {
  formatIssue,
  translateMessage,
  type Translation,
  type ValidationIssue,
} from '../order/translate-message.ts';
export { identify, type Identified } from '../order/identify.ts';
export { parseOrderId, type OrderId } from '../contract/order-id.ts';
export type { Parsed } from '../contract/parsed.ts';
