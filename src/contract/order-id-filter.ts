const BACKSLASH = 0x5c;
/** More IDs than this are not looked for: decoding the message takes less time. */
const MAX_TEXTS = 8;

/**
 * Whether a message may be about one of these orders. Only its decoded `order_id` says for certain:
 * JSON has many spellings of one text (`WC\/17`, `caf\u00e9`). Without a backslash there is one, the
 * text itself in UTF-8, so that most other messages need not be decoded.
 */
export function createOrderIdFilter(orderIds: readonly string[]): (value: Buffer) => boolean {
  if (orderIds.length > MAX_TEXTS) return () => true;
  const texts = orderIds.map((orderId) => Buffer.from(orderId));
  return (value) => value.includes(BACKSLASH) || texts.some((text) => value.includes(text));
}
