const BACKSLASH = 0x5c;
/** Looking for more texts than this takes longer than decoding the message. */
const MAX_TEXTS = 8;

/**
 * Whether a message may be about one of these orders; `readMessage` says for certain, and takes longer.
 * JSON has many spellings of one ID (`WC\/17`, `caf\u00e9`), so that only the decoded one is compared.
 * Without a backslash there is one spelling, the text itself in UTF-8, and no need to decode the message.
 */
export function createOrderIdFilter(orderIds: readonly string[]): (value: Buffer) => boolean {
  const sought: ReadonlySet<unknown> = new Set(orderIds);
  const texts = orderIds.map((orderId) => Buffer.from(orderId));
  return (value) =>
    texts.length <= MAX_TEXTS && !value.includes(BACKSLASH)
      ? texts.some((text) => value.includes(text))
      : mayHaveOrderIdAmong(sought, value);
}

/** By the engine's parser, which does not keep every digit of a number, but every string. */
function mayHaveOrderIdAmong(sought: ReadonlySet<unknown>, value: Buffer): boolean {
  try {
    const json = JSON.parse(value.toString('utf8')) as unknown;
    return typeof json === 'object' && json !== null && 'order_id' in json
      ? sought.has(json.order_id)
      : false;
  } catch {
    // A byte order mark, for example: that it is no JSON is for `readMessage` to say.
    return true;
  }
}
