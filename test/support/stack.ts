/** An address of the stack that the whole test run shares, as set by global-setup.mjs. */
export function stackAddress(
  name:
    | 'KAFKA_BROKERS'
    | 'TEMPORAL_ADDRESS'
    | 'TEMPORAL_ON_POSTGRES_ADDRESS'
    | 'TEMPORAL_NAMESPACE'
    | 'TEMPORAL_UI'
    | 'DATABASE_URL',
): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
}

/** Both Temporal servers, for `describe.each`: each has errors that the other does not have. */
export const TEMPORAL_SERVERS = [
  ['SQLite', 'TEMPORAL_ADDRESS'],
  ['Postgres', 'TEMPORAL_ON_POSTGRES_ADDRESS'],
] as const;

let count = 0;

/** A unique name, so that tests share servers but no topics, queues or tables. */
export function uniqueName(prefix: string): string {
  count += 1;
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${count}`;
}
