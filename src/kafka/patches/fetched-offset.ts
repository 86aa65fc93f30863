import type { Batch } from 'kafkajs';

/**
 * The offset at which the fetch began that returned this batch.
 *
 * kafkajs 2.2.4 has it at run time, but not in its type definitions. No upstream issue is known.
 */
export function fetchedOffset(batch: Batch): bigint {
  const fetched: unknown = 'fetchedOffset' in batch ? batch.fetchedOffset : undefined;
  return BigInt(typeof fetched === 'string' ? fetched : (batch.messages[0]?.offset ?? 0));
}
