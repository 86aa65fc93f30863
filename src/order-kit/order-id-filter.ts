const BACKSLASH = 0x5c;
/** Searching for more IDs than this takes longer than parsing the message. */
const MAX_SEARCHED = 8;

/**
 * Creates a fast filter for messages that may be about one of these orders, by the field with the order ID.
 * JSON has escapes, so one ID has many spellings (`WC\/17`, `caf\u00e9`) and has to be decoded before it is
 * compared. A message without a backslash has no escapes: its bytes can be searched directly.
 */
export function createOrderIdFilter(
  field: string,
  orderIds: readonly string[],
): (text: Uint8Array) => boolean {
  const sought: ReadonlySet<unknown> = new Set(orderIds);
  const texts = orderIds.map((orderId) => Buffer.from(orderId));
  return (bytes) => {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return texts.length <= MAX_SEARCHED && !value.includes(BACKSLASH)
      ? texts.some((text) => value.includes(text))
      : mayHaveOrderIdAmong(sought, field, value);
  };
}

/** `JSON.parse` may change numbers, but no strings. */
function mayHaveOrderIdAmong(sought: ReadonlySet<unknown>, field: string, value: Buffer): boolean {
  try {
    const json = JSON.parse(value.toString('utf8')) as unknown;
    return typeof json === 'object' && json !== null && field in json
      ? sought.has((json as Record<string, unknown>)[field])
      : false;
  } catch {
    // Not JSON for this parser, perhaps because of a byte order mark: `identify` decides.
    return true;
  }
}
