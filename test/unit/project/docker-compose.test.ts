import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { DYNAMIC_CONFIG } from '../../../dev/stack/temporal.ts';
import { readSettings, type Role } from '../../../src/config/read-settings.ts';
import {
  BRIDGE_ROLE,
  DATABASE_SETUP_ROLE,
  KAFKA_SETUP_ROLE,
  WORKER_ROLE,
} from '../../../src/config/roles.ts';
import { SECTIONS } from '../../../src/config/sections.ts';
import { CLOSING_MS } from '../../../src/program/shutdown-signals.ts';

interface Service {
  readonly command?: readonly string[];
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly profiles?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

const project = path.join(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(path.join(project, file), 'utf8');
const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
};
const { version, description, license } = JSON.parse(read('package.json')) as Record<
  'version' | 'description' | 'license',
  string
>;
const known = SECTIONS.flatMap(({ settings }) => Object.values(settings).map(({ name }) => name));
const OWN = ['setup', 'bridge', 'worker', 'tools'];

/** With the defaults that Compose uses if no variable is set: `${A:-b}` is b. */
const withDefaults = (value: string) => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`there is no service ${name}`);
  return found;
};

const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(service(name).environment ?? {}).map(([variable, value]) => [
      variable,
      withDefaults(value),
    ]),
  );

describe('docker-compose.yml', () => {
  test.each<[string, readonly Role[]]>([
    ['bridge', [BRIDGE_ROLE]],
    ['worker', [WORKER_ROLE]],
    ['setup', [KAFKA_SETUP_ROLE, DATABASE_SETUP_ROLE]],
    ['tools', [KAFKA_SETUP_ROLE, DATABASE_SETUP_ROLE, BRIDGE_ROLE, WORKER_ROLE]],
  ])('gives %s all required settings, and no unknown ones', (name, roles) => {
    const env = environmentOf(name);
    for (const role of roles) expect(() => readSettings(role, env)).not.toThrow();
    expect(Object.keys(env).filter((variable) => !known.includes(variable))).toEqual([]);
  });

  test.each(['setup', 'bridge', 'worker'])('runs the command %s', (name) => {
    expect(service(name).command).toEqual([name]);
  });

  test('gives the bridge no database settings and the worker no Kafka settings', () => {
    const named = (name: string, pattern: RegExp) =>
      Object.keys(environmentOf(name)).filter((variable) => pattern.test(variable));
    expect(named('bridge', /DATABASE/)).toEqual([]);
    expect(named('worker', /KAFKA/)).toEqual([]);
  });

  test('tags its image with the version of the package, and pins all other images', () => {
    for (const name of OWN) {
      expect(withDefaults(service(name).image)).toBe(`order-ingest:${version}`);
    }
    for (const { image } of Object.values(services)) {
      expect(withDefaults(image)).toMatch(/:v?\d+\.\d+\.?\d*(-\w+)?$/);
    }
  });

  test('configures Temporal as the processes of the local stack', () => {
    const flags = (service('temporal').command ?? []).filter((flag) => flag.includes('config'));
    expect(flags).toEqual(DYNAMIC_CONFIG.map((value) => `--dynamic-config-value=${value}`));
  });

  test('lets the programs close: grace period, closing time and a margin', () => {
    for (const [name, role] of [
      ['bridge', BRIDGE_ROLE],
      ['worker', WORKER_ROLE],
    ] as const) {
      const settings = readSettings(role, environmentOf(name));
      const { shutdownGraceMs } = 'bridge' in settings ? settings.bridge : settings.worker;
      const graceMs = Number(/^(\d+)s$/.exec(service(name).stop_grace_period ?? '')?.[1]) * 1000;
      expect(graceMs).toBeGreaterThanOrEqual(shutdownGraceMs + CLOSING_MS);
    }
  });

  test('gives its own containers neither privileges nor a writable file system, and limits', () => {
    for (const name of OWN) {
      expect(service(name)).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.stringMatching(/^\d+m$/),
        pids_limit: expect.any(Number),
      });
    }
  });

  test('checks the health of each server and program at the port where it listens', () => {
    const { bridge } = readSettings(BRIDGE_ROLE, environmentOf('bridge'));
    const { worker } = readSettings(WORKER_ROLE, environmentOf('worker'));
    expect(service('bridge').healthcheck?.test.at(-1)).toBe(String(bridge.httpPort));
    expect(service('worker').healthcheck?.test.at(-1)).toBe(String(worker.httpPort));
    for (const name of ['kafka', 'temporal', 'postgres', 'bridge', 'worker']) {
      expect(service(name).healthcheck).toBeDefined();
    }
  });

  test('publishes ports to this machine only, and mounts only files that exist', () => {
    for (const { ports = [], volumes = [] } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) expect(existsSync(path.join(project, source))).toBe(true);
      }
    }
  });

  test('starts tools and monitoring only on request', () => {
    expect(
      Object.entries(services)
        .filter(([, { profiles }]) => profiles === undefined)
        .map(([name]) => name)
        .sort(),
    ).toEqual(['bridge', 'kafka', 'postgres', 'setup', 'temporal', 'worker']);
  });
});

describe('deploy/Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile');
  const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

  test('labels the image with the version, license and description of the package', () => {
    expect(/^ARG VERSION=(\S+)$/m.exec(final)?.[1]).toBe(version);
    expect(final).toContain(`org.opencontainers.image.licenses="${license}"`);
    expect(final).toContain(`org.opencontainers.image.description="${description}"`);
    expect(dockerfile).toContain(`--tag order-ingest:${version} .`);
  });

  test('pins one base image, with a Node.js that the package supports', () => {
    const base = /^ARG NODE_IMAGE=node:(\d+\.\d+\.\d+)-\w+-slim$/m.exec(dockerfile)?.[1];
    expect(base).toBeDefined();
    const froms = [...dockerfile.matchAll(/^FROM (?:--\S+ )?(\S+)/gm)].map(([, image]) => image);
    expect(froms).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}', '${NODE_IMAGE}']);
  });

  test('ends with a numeric user that is not root, an init process and an exec-form entry point', () => {
    expect([...final.matchAll(/^USER (.+)$/gm)].map(([, user]) => user)).toEqual(['1000:1000']);
    expect(final).toMatch(/^ENTRYPOINT \["tini", "-s", "--", "order-ingest"\]$/m);
  });

  test('exposes the default ports of bridge and worker', () => {
    const { bridge } = readSettings(BRIDGE_ROLE, environmentOf('bridge'));
    const { worker } = readSettings(WORKER_ROLE, environmentOf('worker'));
    expect(final).toMatch(new RegExp(`^EXPOSE ${bridge.httpPort} ${worker.httpPort}$`, 'm'));
  });

  test('copies only files that .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(?:--\S+ )*(.+) \S+$/gm)].flatMap(
      ([, sources = '']) => sources.split(' '),
    );
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((file) => !allowed.includes(file))).toEqual([]);
    for (const file of allowed) expect(existsSync(path.join(project, file))).toBe(true);
  });
});
