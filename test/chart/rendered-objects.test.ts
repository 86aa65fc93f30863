import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { readSettings, type Environment } from '../../src/config/read-settings.ts';
import {
  BRIDGE_ROLE,
  CODEC_SERVER_ROLE,
  DATABASE_SETUP_ROLE,
  DEPLOY_ROLE,
  KAFKA_SETUP_ROLE,
  WORKER_ROLE,
} from '../../src/config/roles.ts';
import { SECTIONS } from '../../src/config/sections.ts';
import { fileVariable } from '../../src/config/given-value.ts';
import { bridgeTimeoutMistakes } from '../../src/config/timeouts.ts';
import { CLOSING_MS } from '../../src/program/shutdown-signals.ts';
import {
  CHART,
  componentOf,
  containerOf,
  objects,
  PROJECT,
  VALUES_FILES,
  workloadsOf,
  type KubernetesObject,
  type Workload,
} from './support/rendered-chart.ts';

const SETTINGS = SECTIONS.flatMap(({ settings }) => Object.values(settings));

const rendered = new Map<string, readonly KubernetesObject[]>();
beforeAll(async () => {
  for (const file of VALUES_FILES) rendered.set(file, await objects('--values', file));
});
const objectsOf = (file: string) => rendered.get(file) ?? [];
const named = (file: string, component: string): Workload => {
  const found = workloadsOf(objectsOf(file)).find(
    (workload) => componentOf(workload) === component,
  );
  if (found === undefined) throw new Error(`${file} has no ${component}`);
  return found;
};

/** The environment of a container. Secrets are given the value that a user would give them. */
function environmentOf(workload: Workload): Environment {
  return Object.fromEntries(
    containerOf(workload).env.map(({ name, value }) => [
      name.replace(/_FILE$/, (suffix) => (isSecretFile(name) ? '' : suffix)),
      isSecretFile(name) || value === undefined ? secretValue(name) : value,
    ]),
  );
}

function secretValue(name: string): string {
  const key = Buffer.alloc(32, 'key').toString('base64');
  if (name.startsWith('TEMPORAL_PAYLOAD_KEYS')) return `first:${key}`;
  if (name.startsWith('WORKFLOW_ID_HASH_KEY')) return key;
  return name.includes('TOKEN') ? 'a-token-of-the-tests' : 'postgres://user@host/db';
}

const isSecretFile = (name: string) => SETTINGS.some((setting) => fileVariable(setting) === name);

describe.each(VALUES_FILES)('with %s', (file) => {
  test('every setting in a container exists and is valid, and no required one is missing', () => {
    for (const workload of workloadsOf(objectsOf(file))) {
      const env = environmentOf(workload);
      const known = [...SETTINGS.map(({ name }) => name), 'OTEL_EXPORTER_OTLP_ENDPOINT'];
      expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual([]);
      switch (componentOf(workload)) {
        case 'bridge':
          readSettings(BRIDGE_ROLE, env, ({ bridge }) => bridgeTimeoutMistakes(bridge));
          expect(env).toMatchObject({ BRIDGE_HTTP_HOST: '0.0.0.0' });
          expect(env).not.toHaveProperty('DATABASE_URL');
          break;
        case 'worker':
          readSettings(WORKER_ROLE, env);
          expect(env).toMatchObject({ WORKER_HTTP_HOST: '0.0.0.0' });
          expect(Object.keys(env).filter((name) => name.startsWith('KAFKA'))).toEqual([]);
          break;
        case 'codec-server':
          readSettings(CODEC_SERVER_ROLE, env);
          expect(env).toMatchObject({ CODEC_SERVER_HOST: '0.0.0.0' });
          break;
        case 'setup':
          readSettings(KAFKA_SETUP_ROLE, env);
          if (!containerOf(workload).args.includes('--only'))
            readSettings(DATABASE_SETUP_ROLE, env);
          break;
      }
    }
  });

  test('no variable is set twice, and no secret is in the text', () => {
    for (const workload of workloadsOf(objectsOf(file))) {
      const names = containerOf(workload).env.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const { name, value } of containerOf(workload).env) {
        if (SETTINGS.some((setting) => setting.secret && setting.name === name)) {
          expect(value).toBeUndefined();
        }
      }
    }
  });

  test('every pod meets the restricted Pod Security Standard with numeric users', () => {
    for (const workload of workloadsOf(objectsOf(file))) {
      expect(workload.spec.template.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(containerOf(workload).securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  test('the grace period outlasts the longest shutdown', () => {
    for (const component of ['bridge', 'worker']) {
      for (const workload of workloadsOf(objectsOf(file))) {
        if (componentOf(workload) !== component) continue;
        const name = `${component.toUpperCase()}_SHUTDOWN_GRACE_MS`;
        const defaultMs = SETTINGS.find((setting) => setting.name === name)?.default;
        const graceMs = Number(environmentOf(workload)[name] ?? defaultMs);
        const seconds = workload.spec.template.spec.terminationGracePeriodSeconds ?? 0;
        expect(seconds * 1000).toBeGreaterThanOrEqual(graceMs + CLOSING_MS + 4000);
        expect(seconds * 1000).toBeLessThan(graceMs + CLOSING_MS + 6000);
      }
    }
  });

  test('every selector matches the pods of one Deployment, and no others', () => {
    const deployments = workloadsOf(objectsOf(file)).filter(({ kind }) => kind === 'Deployment');
    const pods = workloadsOf(objectsOf(file)).map(({ spec }) => spec.template.metadata.labels);
    for (const { spec } of deployments) {
      const wanted = Object.entries(spec.selector?.matchLabels ?? {});
      const matching = pods.filter((labels) =>
        wanted.every(([key, value]) => labels[key] === value),
      );
      expect(matching).toEqual([spec.template.metadata.labels]);
      // A selector cannot be changed, so it must not contain what an upgrade changes.
      expect(wanted.map(([key]) => key)).not.toContain('app.kubernetes.io/version');
    }
    const names = objectsOf(file).map(({ kind, metadata: { name } }) => `${kind} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test('every mount has its volume, and every file is in a mount', () => {
    for (const workload of workloadsOf(objectsOf(file))) {
      const { volumeMounts, env } = containerOf(workload);
      const volumes = workload.spec.template.spec.volumes.map(({ name }) => name);
      expect(volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort());
      const files = env.filter(({ name, value }) => /_(FILE|PATH|MODULE)$/.test(name) && value);
      for (const { value = '' } of files) {
        expect(volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`))).toBe(true);
      }
    }
  });

  test('hooks run in order, and need nothing that the release creates', () => {
    const hooks = objectsOf(file).filter(({ metadata }) => metadata.annotations['helm.sh/hook']);
    const accounts = objectsOf(file).filter(({ kind }) => kind === 'ServiceAccount');
    for (const workload of workloadsOf(hooks)) {
      const { serviceAccountName } = workload.spec.template.spec;
      expect(accounts.map(({ metadata }) => metadata.name)).not.toContain(serviceAccountName);
    }
    const weight = (kind: string) =>
      Number(hooks.find((hook) => hook.kind === kind)?.metadata.annotations['helm.sh/hook-weight']);
    if (hooks.some(({ kind }) => kind === 'NetworkPolicy')) {
      expect(weight('NetworkPolicy')).toBeLessThan(weight('Job'));
    }
  });
});

describe('the Jobs', () => {
  const hookOf = (workload: Workload) => workload.metadata.annotations['helm.sh/hook'];

  test('setup runs before, promote after, doctor as a test', () => {
    expect(hookOf(named('ci/versions-values.yaml', 'setup'))).toBe('pre-install,pre-upgrade');
    const promote = named('ci/versions-values.yaml', 'promote');
    expect(hookOf(promote)).toBe('post-install,post-upgrade,post-rollback');
    expect(containerOf(promote).args).toEqual([
      'deploy',
      'promote',
      '--timeout',
      '240',
      '--percentage',
      '10',
    ]);
    expect(environmentOf(promote)).toMatchObject({
      TEMPORAL_DEPLOYMENT_NAME: 'orders',
      TEMPORAL_BUILD_ID: 'Build_1.2',
    });
    expect(hookOf(named('ci/default-values.yaml', 'doctor'))).toBe('test');
  });

  test('fail before `helm` gives up after its default of five minutes', () => {
    for (const file of VALUES_FILES) {
      for (const { kind, spec } of workloadsOf(objectsOf(file))) {
        if (kind === 'Job') expect(spec['activeDeadlineSeconds']).toBeLessThan(300);
      }
    }
  });

  test('setup can have a database user of its own', () => {
    const ofSetup = JSON.stringify(named('ci/production-values.yaml', 'setup').spec);
    const ofWorker = JSON.stringify(named('ci/production-values.yaml', 'worker').spec);
    expect(ofSetup).toContain('"name":"order-ingest-owner"');
    expect(ofWorker).not.toContain('order-ingest-owner');
  });
});

describe('versions of the workers', () => {
  const workers = () =>
    workloadsOf(objectsOf('ci/versions-values.yaml')).filter((w) => componentOf(w) === 'worker');

  test('have a Deployment each, with their own build ID and image', () => {
    const described = workers().map((workload) => {
      const { TEMPORAL_BUILD_ID, TEMPORAL_DEPLOYMENT_NAME } = environmentOf(workload);
      const tag = containerOf(workload).image.split(':').at(-1);
      return [TEMPORAL_DEPLOYMENT_NAME, TEMPORAL_BUILD_ID, tag, workload.spec.replicas];
    });
    const { version } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(described).toEqual(
      expect.arrayContaining([
        ['orders', 'Build_1.2', version, 2],
        ['orders', 'build-1-2', '1.1.9', 1],
        ['orders', '1.0.0', '1.0.0', 2],
      ]),
    );
    expect(new Set(workers().map(({ metadata }) => metadata.name)).size).toBe(3);
  });

  test('can be managed in the tools pod, which knows the deployment but is no version of it', () => {
    const env = environmentOf(named('ci/versions-values.yaml', 'tools'));
    expect(readSettings(DEPLOY_ROLE, env)).toMatchObject({ deployment: { name: 'orders' } });
    expect(env).not.toHaveProperty('TEMPORAL_BUILD_ID');
    expect(environmentOf(named('ci/production-values.yaml', 'tools'))).not.toHaveProperty(
      'TEMPORAL_DEPLOYMENT_NAME',
    );
  });

  test('never share pods with workers without a version', () => {
    const selector = named('ci/default-values.yaml', 'worker').spec.selector?.matchLabels ?? {};
    for (const { spec } of workers()) {
      expect(spec.template.metadata.labels).not.toMatchObject(selector);
    }
  });
});

describe('autoscaling', () => {
  test.each(['ci/keda-values.yaml', 'ci/hpa-values.yaml'])(
    'leaves the number of pods to the autoscaler: %s',
    (file) => {
      for (const { kind, spec } of workloadsOf(objectsOf(file))) {
        if (kind === 'Deployment') expect(spec).not.toHaveProperty('replicas');
      }
      const names = workloadsOf(objectsOf(file)).map(({ metadata }) => metadata.name);
      const scalers = objectsOf(file).filter(({ kind }) => /Autoscaler|ScaledObject/.test(kind));
      expect(scalers).toHaveLength(2);
      for (const { spec } of scalers) {
        expect(names).toContain((spec?.['scaleTargetRef'] as { name: string }).name);
      }
    },
  );

  test('KEDA scales the bridges by the lag of each topic', () => {
    const bridge = objectsOf('ci/keda-values.yaml').find(
      ({ kind, metadata }) => kind === 'ScaledObject' && metadata.name.endsWith('bridge'),
    );
    const triggers = bridge?.spec?.['triggers'] as { metadata: { topic: string } }[];
    expect(triggers.map(({ metadata }) => metadata.topic)).toEqual(['orders-eu', 'orders-us']);
  });

  test('large numbers are written as integers', () => {
    const text = JSON.stringify([
      objectsOf('ci/keda-values.yaml'),
      objectsOf('ci/production-values.yaml'),
    ]);
    expect(text).toContain('"lagThreshold":"2500000"');
    expect(text).toContain('"value":"104857600"');
    expect(text).not.toMatch(/"\d\.\d+e\+\d+"/);
  });
});

test('every program that reads the order module gets it, with its migrations', () => {
  const file = 'ci/production-values.yaml';
  const withModule = workloadsOf(objectsOf(file)).filter((workload) =>
    containerOf(workload).env.some(({ name }) => name === 'ORDER_MODULE'),
  );
  expect(withModule.map(componentOf)).toEqual(
    expect.arrayContaining(['bridge', 'worker', 'setup', 'tools', 'doctor']),
  );
  for (const workload of withModule) {
    const { env, volumeMounts } = containerOf(workload);
    expect(env.filter(({ name }) => name === 'ORDER_MODULE')).toEqual([
      { name: 'ORDER_MODULE', value: '/etc/order-ingest/order-module/shop-order.js' },
    ]);
    const mount = '/etc/order-ingest/order-module';
    expect(volumeMounts).toContainEqual(
      expect.objectContaining({ name: 'order-module', mountPath: mount }),
    );
    expect(JSON.stringify(workload.spec)).toContain(
      '{"key":"0002_currency.sql","path":"migrations/0002_currency.sql"}',
    );
  }
});

test('the network policies allow the ports in the settings', () => {
  const policies = objectsOf('ci/production-values.yaml').filter(
    ({ kind }) => kind === 'NetworkPolicy',
  );
  const ports = (component: string) =>
    JSON.stringify(policies.find(({ metadata }) => metadata.name.endsWith(component))?.spec)
      .match(/"port":\d+/g)
      ?.map((port) => Number(port.split(':')[1]));
  expect(ports('bridge')).toEqual([9464, 53, 53, 9093, 9094, 7233, 4317]);
  expect(ports('worker')).toEqual([9465, 53, 53, 7233, 5432, 6432, 4317]);
  expect(ports('hooks')).toEqual([53, 53, 9093, 9094, 7233, 5432, 6432, 4317]);
});

test('the monitors set the job names of the alert rules', () => {
  const jobs = ['ci/production-values.yaml', 'ci/keda-values.yaml'].map((file) =>
    objectsOf(file)
      .filter(({ kind }) => kind.endsWith('Monitor'))
      .map((monitor) => /order-ingest-(bridge|worker)"/.exec(JSON.stringify(monitor.spec))?.[1]),
  );
  expect(jobs).toEqual([
    ['bridge', 'worker'],
    ['bridge', 'worker'],
  ]);
});

test('with a certificate and tokens, the probes use HTTPS, and the monitors send the token of each', () => {
  const objects = objectsOf('ci/tls-values.yaml');
  for (const component of ['bridge', 'worker']) {
    const workload = workloadsOf(objects).find((one) => componentOf(one) === component);
    const text = JSON.stringify(workload);
    expect(text.match(/"scheme":"HTTPS"/g)).toHaveLength(3);
    expect(text).toContain(`"${component.toUpperCase()}_HTTP_TLS_CLIENT_CA_FILE"`);
    const monitor = objects.find(
      ({ kind, metadata }) => kind === 'ServiceMonitor' && metadata.name.endsWith(component),
    );
    expect(monitor?.spec).toMatchObject({
      endpoints: [
        {
          scheme: 'https',
          tlsConfig: { serverName: 'order-ingest' },
          authorization: { credentials: { name: 'http', key: `${component}-token` } },
        },
      ],
    });
  }
  const plain = JSON.stringify(objectsOf('ci/production-values.yaml'));
  expect(plain).not.toMatch(/"scheme"|"authorization":/);
  // The tools present the token, and have no use for the private key.
  const tools = workloadsOf(objectsOf('ci/tls-values.yaml')).filter(
    (one) => !['bridge', 'worker'].includes(componentOf(one)),
  );
  expect(JSON.stringify(tools)).not.toContain('HTTP_TLS');
});

describe('the codec server', () => {
  const file = 'ci/codec-server-values.yaml';
  const codecServer = () => named(file, 'codec-server');

  test('is there only if it is enabled', () => {
    for (const other of VALUES_FILES.filter((one) => one !== file)) {
      expect(JSON.stringify(objectsOf(other))).not.toContain('codec-server');
    }
  });

  test('has the keys, its token and its certificate, and no credentials of anything else', () => {
    const names = containerOf(codecServer()).env.map(({ name }) => name);
    expect(names.sort()).toEqual([
      ...['CODEC_SERVER_HOST', 'CODEC_SERVER_PORT'],
      ...['CODEC_SERVER_TLS_CERT_FILE', 'CODEC_SERVER_TLS_KEY_FILE', 'CODEC_SERVER_TOKEN_FILE'],
      ...['LOG_FORMAT', 'TEMPORAL_PAYLOAD_KEYS_FILE', 'TEMPORAL_UI'],
    ]);
    const volumes = JSON.stringify(codecServer().spec.template.spec.volumes);
    expect(volumes).not.toMatch(/database-url|workflow-id-key/);
    expect(JSON.stringify(codecServer()).match(/"scheme":"HTTPS"/g)).toHaveLength(3);
  });

  test('shares its token and its private key with no other program, and its keys with those that use Temporal', () => {
    for (const workload of workloadsOf(objectsOf(file))) {
      const component = componentOf(workload);
      const text = JSON.stringify(workload.spec);
      if (component !== 'codec-server') expect(text).not.toMatch(/CODEC_SERVER|codecServer/);
      if (['bridge', 'worker', 'doctor'].includes(component)) {
        expect(text).toContain('"name":"TEMPORAL_PAYLOAD_KEYS_FILE"');
        expect(text).toContain('"name":"WORKFLOW_ID_HASH_KEY_FILE"');
      }
    }
  });

  test('is reached through its Service, by the peers that may, and opens no connections', () => {
    const find = (kind: string) =>
      objectsOf(file).find(
        (object) => object.kind === kind && object.metadata.name.endsWith('codec-server'),
      );
    expect(find('Service')?.spec).toMatchObject({
      type: 'LoadBalancer',
      ports: [{ port: 443, targetPort: 'http' }],
      selector: codecServer().spec.selector?.matchLabels,
    });
    expect(containerOf(codecServer()).ports).toEqual([{ name: 'http', containerPort: 9466 }]);
    expect(find('NetworkPolicy')?.spec).toMatchObject({
      podSelector: { matchLabels: codecServer().spec.selector?.matchLabels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { ports: [{ protocol: 'TCP', port: 9466 }], from: [{ ipBlock: { cidr: '10.2.0.0/16' } }] },
      ],
      egress: [],
    });
  });
});

test('every secret that a program of the chart reads can be given', () => {
  const schema = parse(readFileSync(path.join(CHART, 'values.schema.json'), 'utf8')) as {
    properties: { secrets: { properties: object } };
  };
  const { secrets } = parse(readFileSync(path.join(CHART, 'files/settings.json'), 'utf8')) as {
    secrets: readonly string[];
  };
  expect(Object.keys(schema.properties.secrets.properties).sort()).toEqual([...secrets].sort());
});

test('the dashboard is that of deploy/grafana', () => {
  const dashboard = objectsOf('ci/production-values.yaml').find(({ kind }) => kind === 'ConfigMap');
  const source = readFileSync(path.join(PROJECT, 'deploy/grafana/order-ingest.json'), 'utf8');
  const data = dashboard?.['data'] as { 'order-ingest.json': string };
  expect(JSON.parse(data['order-ingest.json'])).toEqual(JSON.parse(source));
});

test('the bridges of a rollout all start before an old one stops', () => {
  const values = parse(readFileSync(path.join(CHART, 'values.yaml'), 'utf8')) as {
    bridge: { strategy: unknown };
  };
  expect(values.bridge.strategy).toEqual({
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 },
  });
});
