import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { readSettings, type Role } from '../../../src/config/read-settings.ts';
import {
  BRIDGE_ROLE,
  DATABASE_SETUP_ROLE,
  KAFKA_SETUP_ROLE,
  WORKER_ROLE,
} from '../../../src/config/roles.ts';
import { SECTIONS } from '../../../src/config/sections.ts';

interface Service {
  readonly command?: readonly string[];
  readonly image?: string;
  readonly environment: Readonly<Record<string, string>>;
}

const project = path.join(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(path.join(project, file), 'utf8');
const { services } = parse(read('docker-compose.yml')) as { services: Record<string, Service> };
const known = SECTIONS.flatMap(({ settings }) => Object.values(settings).map(({ name }) => name));

/** With the defaults that Compose uses if no variable is set: `${A:-b}` is b. */
const environmentOf = (service: string) =>
  Object.fromEntries(
    Object.entries(services[service]?.environment ?? {}).map(([name, value]) => [
      name,
      value.replace(/\$\{\w+:-([^}]*)\}/g, '$1'),
    ]),
  );

describe('docker-compose.yml', () => {
  test.each<[string, readonly Role[]]>([
    ['bridge', [BRIDGE_ROLE]],
    ['worker', [WORKER_ROLE]],
    ['setup', [KAFKA_SETUP_ROLE, DATABASE_SETUP_ROLE]],
  ])('gives %s all required settings, and no unknown ones', (service, roles) => {
    const env = environmentOf(service);
    for (const role of roles) expect(() => readSettings(role, env)).not.toThrow();
    expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual([]);
    expect(services[service]?.command).toEqual([service]);
  });

  test('gives the bridge no database settings and the worker no Kafka settings', () => {
    expect(Object.keys(environmentOf('bridge')).filter((name) => /DATABASE/.test(name))).toEqual(
      [],
    );
    expect(Object.keys(environmentOf('worker')).filter((name) => /KAFKA/.test(name))).toEqual([]);
  });

  test('tags its image with the version of the package, and pins all other images', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const service of ['setup', 'bridge', 'worker']) {
      expect(services[service]?.image).toBe(`order-ingest:${version}`);
    }
    for (const { image } of Object.values(services)) expect(image).toMatch(/:\d+\.\d+/);
  });
});
