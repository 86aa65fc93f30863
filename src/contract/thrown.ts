/**
 * What an order module or a decoder threw, such as `TypeError at my-order.js:12:5`. Without the error's message,
 * which may quote personal data.
 */
export function describeThrown(error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const [, place] = /([^/\\\s():]+\.[cm]?[jt]s:\d+:\d+)\)?$/m.exec(stack) ?? [];
  return place === undefined ? name : `${name} at ${place}`;
}
