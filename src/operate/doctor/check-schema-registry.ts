import { readSettings, type Environment } from '../../config/read-settings.ts';
import { READER_ROLE } from '../../config/roles.ts';
import { valueSettingMistakes } from '../../config/value-settings.ts';
import { RegistryClient } from '../../decode/schema-registry/registry-client.ts';
import { SCHEMA_TYPES } from '../../decode/schema-registry/schema-registry.ts';
import { failed, fromError, ok, type Finding } from './finding.ts';

const CHECK = 'Schema registry';

/** Checks the registry if the format of the values needs one. Never throws. */
export async function checkSchemaRegistry(env: Environment): Promise<readonly Finding[]> {
  try {
    const { value, schemaRegistry } = readSettings(READER_ROLE, env, valueSettingMistakes);
    if (value.format === 'json') return [];
    const client = new RegistryClient(schemaRegistry);
    const types = await client.schemaTypes();
    // Whether it exists does not matter, but reading it must be allowed.
    await client.get('/schemas/ids/1');
    const type = SCHEMA_TYPES[value.format];
    const detail = `${schemaRegistry.url?.href}, with the schema types ${types.join(', ')}`;
    return [
      types.includes(type)
        ? ok(CHECK, detail)
        : failed(CHECK, `${detail}; KAFKA_VALUE_FORMAT needs ${type}`, 'use another registry'),
    ];
  } catch (error) {
    return [fromError(CHECK, error, 'check SCHEMA_REGISTRY_URL and that the registry is running')];
  }
}
