/**
 * What a broker refuses a record for, each time it is sent as it is:
 * - `too-large`: more than the topic's `max.message.bytes`, or than a log segment;
 * - `time`: its time is too far from the broker's clock;
 * - `invalid`: anything else about it, such as a missing key on a compacted topic, or what a rule of
 *   the broker's own forbids.
 */
export type RecordRefusal = 'too-large' | 'time' | 'invalid';

/** By kafkajs's names of Kafka's error codes. */
const REFUSALS: ReadonlyMap<unknown, RecordRefusal> = new Map([
  ['MESSAGE_TOO_LARGE', 'too-large'],
  ['RECORD_LIST_TOO_LARGE', 'too-large'],
  ['INVALID_TIMESTAMP', 'time'],
  ['INVALID_RECORD', 'invalid'],
  // Before Kafka 2.4 for a missing key too. kafkajs sends again what was damaged on the way.
  ['CORRUPT_MESSAGE', 'invalid'],
]);

/** Undefined for any other error: it may pass, or is about more than this record. */
export function recordRefusal(error: unknown): RecordRefusal | undefined {
  if (!(error instanceof Error)) return undefined;
  return ('type' in error ? REFUSALS.get(error.type) : undefined) ?? recordRefusal(error.cause);
}
