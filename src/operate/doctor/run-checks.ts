import type { Environment } from '../../config/read-settings.ts';
import { checkDatabase } from './check-database.ts';
import { checkKafka } from './check-kafka.ts';
import { checkSchemaRegistry } from './check-schema-registry.ts';
import { checkTemporal } from './check-temporal.ts';
import { checkOrderModule } from './check-order-module.ts';
import type { Finding } from './finding.ts';

/** Checks everything that order-ingest needs. Changes nothing and never throws. */
export async function runChecks(env: Environment): Promise<readonly Finding[]> {
  const [{ findings: kafka, retentionMs }, registry, database] = await Promise.all([
    checkKafka(env),
    checkSchemaRegistry(env),
    checkDatabase(env),
  ]);
  return [
    ...kafka,
    ...registry,
    ...(await checkTemporal(env, retentionMs)),
    await checkOrderModule(env),
    ...database,
  ];
}
