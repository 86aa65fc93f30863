/** The addresses of the stack that the whole test run shares; global-setup.mjs has put them here. */
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

/** Both of Temporal's servers, for `describe.each`: each has faults that the other has not. */
export const TEMPORAL_SERVERS = [
  ['SQLite', 'TEMPORAL_ADDRESS'],
  ['Postgres', 'TEMPORAL_ON_POSTGRES_ADDRESS'],
] as const;

let count = 0;

/** A name that no other test uses, so that tests share servers but nothing on them. */
export function uniqueName(prefix: string): string {
  count += 1;
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${count}`;
}
