import type { ConsumedMessage } from '../../src/kafka/consumer/consumed-message.ts';

/** A message as the bridge's consumer receives it. */
export function consumedMessage(
  value: string | Buffer | null,
  {
    offset = '0',
    timestamp = '1795577684844',
    key = null,
    headers = {},
  }: {
    readonly offset?: string;
    readonly timestamp?: string;
    readonly key?: string | null;
    readonly headers?: NonNullable<ConsumedMessage['headers']>;
  } = {},
): ConsumedMessage {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers,
    offset,
    timestamp,
  };
}
