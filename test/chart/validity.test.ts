import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import {
  CHART,
  helm,
  objects,
  PROJECT,
  render,
  tool,
  VALUES_FILES,
} from './support/rendered-chart.ts';
import { KUBERNETES_VERSIONS } from '../../dev/chart/kubernetes-schemas.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'chart-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

interface KubeconformReport {
  readonly resources: readonly { readonly name: string; readonly msg: string }[];
  readonly summary: Readonly<Record<'valid' | 'invalid' | 'errors' | 'skipped', number>>;
}

async function check(version: string, yaml: string): Promise<KubeconformReport> {
  const schema = (folder: string) => [
    '-schema-location',
    path.join(tool('KUBERNETES_SCHEMAS'), folder, '{{ .ResourceKind }}{{ .KindSuffix }}.json'),
  ];
  const args = ['-strict', '-summary', '-output', 'json', ...schema(version), ...schema('custom')];
  const { stdout } = await execa(tool('KUBECONFORM'), [...args, '-'], {
    input: yaml,
    reject: false,
  });
  return JSON.parse(stdout) as KubeconformReport;
}

describe.each(VALUES_FILES)('the chart with %s', (file) => {
  test('passes helm lint --strict', async () => {
    const { exitCode, all } = await helm('lint', '--strict', '.', '--values', file);
    expect({ exitCode, all }).toMatchObject({ exitCode: 0 });
  });

  test.each(KUBERNETES_VERSIONS)('is valid for Kubernetes %s', async (version) => {
    const yaml = await render('--values', file, '--kube-version', version);
    const { resources, summary } = await check(version, yaml);
    expect({ resources, summary }).toMatchObject({
      resources: [],
      summary: { invalid: 0, errors: 0, skipped: 0 },
    });
    expect(summary.valid).toBeGreaterThanOrEqual(4);
  });
});

test.each([
  ['apps/v1', 'Deployment', { spec: { selector: {}, template: {}, replica: 1 } }],
  ['keda.sh/v1alpha1', 'ScaledObject', { spec: { scaleTargetRef: { name: 'a' }, triggers: 'a' } }],
  ['keda.sh/v1alpha1', 'ScaledObject', { spec: { scaleTargetRef: {}, triggers: [], unknown: 1 } }],
  ['monitoring.coreos.com/v1', 'PodMonitor', { spec: { selector: {}, endpoints: [] } }],
])('the check finds mistakes in a %s %s', async (apiVersion, kind, rest) => {
  const yaml = stringify({ apiVersion, kind, metadata: { name: 'a' }, ...rest });
  for (const version of KUBERNETES_VERSIONS) {
    expect((await check(version, yaml)).summary).toMatchObject({ invalid: 1 });
  }
});

test('is refused by Kubernetes versions older than the oldest that it was checked against', async () => {
  const args = ['--values', 'ci/default-values.yaml', '--kube-version'];
  await expect(render(...args, '1.30.14')).rejects.toThrow(/kubeVersion/);
  await expect(render(...args, `${KUBERNETES_VERSIONS[0]}.0`)).resolves.toContain('Deployment');
});

test('the alert rules are those of deploy/prometheus, and promtool accepts them', async () => {
  const rendered = await objects('--values', 'ci/production-values.yaml');
  const rule = rendered.find(({ kind }) => kind === 'PrometheusRule');
  const file = path.join(dir, 'rules.yml');
  writeFileSync(file, stringify(rule?.spec));
  const { exitCode, all } = await execa(tool('PROMTOOL'), ['check', 'rules', file], {
    reject: false,
    all: true,
  });
  expect({ exitCode, all }).toMatchObject({ exitCode: 0 });
  const source = readFileSync(path.join(PROJECT, 'deploy/prometheus/alerts.yml'), 'utf8');
  const withUrls = source.replaceAll(
    'runbook: docs/runbook.md',
    'runbook_url: https://example.com/runbook',
  );
  expect(rule?.spec).toEqual(parse(withUrls));
  expect(JSON.stringify(rule)).toContain('{{ $labels.');
});

test('the packaged chart renders the same as its folder', async () => {
  const packaged = await helm('package', '.', '--destination', dir);
  expect(packaged.all).toContain('order-ingest-');
  const archive = path.join(dir, packaged.stdout.split('/').at(-1) ?? '');
  const values = ['--values', path.join(CHART, 'ci/production-values.yaml')];
  const { stdout } = await helm('template', 'shop', archive, ...values);
  expect(stdout).toBe(await render(...values));
});
