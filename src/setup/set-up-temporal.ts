import type { Environment } from '../config/read-settings.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget } from '../temporal/connection-options.ts';
import { addSearchAttributes } from '../temporal/search-attributes.ts';
import { temporalFailed } from '../temporal/temporal-failed.ts';

/** Adds the search attributes that are missing; answers with their names. Throws an OperatorError. */
export async function setUpTemporal(env: Environment): Promise<readonly string[]> {
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  try {
    return await addSearchAttributes(client);
  } catch (error) {
    throw temporalFailed(target, error);
  } finally {
    await client.connection.close();
  }
}
