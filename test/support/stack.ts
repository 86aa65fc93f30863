/** The addresses of the stack that the whole test run shares; global-setup.mjs has put them here. */
export function stackAddress(
  name: 'KAFKA_BROKERS' | 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'DATABASE_URL',
): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
}

let count = 0;

/** A name that no other test uses, so that tests share servers but nothing on them. */
export function uniqueName(prefix: string): string {
  count += 1;
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${count}`;
}
