import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';

export const PROJECT = path.join(import.meta.dirname, '../../..');
export const CHART = path.join(PROJECT, 'deploy/helm/order-ingest');

/** The files of values in the chart's `ci/`. */
export const VALUES_FILES = readdirSync(path.join(CHART, 'ci')).map((name) => `ci/${name}`);

/** The path of a tool that `npm run test:chart` has found. */
export function tool(name: 'HELM' | 'KUBECONFORM' | 'KUBERNETES_SCHEMAS' | 'PROMTOOL'): string {
  const value = process.env[name];
  if (value === undefined) throw new Error('Run these tests with `npm run test:chart`');
  return value;
}

export const helm = (...args: string[]) =>
  execa(tool('HELM'), args, { cwd: CHART, reject: false, all: true });

/** The text that Helm renders. Throws what Helm prints if it refuses the values. */
export async function render(...args: string[]): Promise<string> {
  const { failed, stdout, stderr } = await helm('template', 'shop', '.', ...args);
  if (failed) throw new Error(stderr);
  return stdout;
}

/** Values as an argument, in a file that is removed after `work`. */
export async function withValues<Result>(
  values: object,
  work: (...args: string[]) => Promise<Result>,
): Promise<Result> {
  const dir = mkdtempSync(path.join(tmpdir(), 'chart-values-'));
  try {
    const file = path.join(dir, 'values.yaml');
    writeFileSync(file, stringify(values));
    return await work('--values', file);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const labels = z.record(z.string(), z.string());
const container = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()),
  env: z.array(
    z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }),
  ),
  securityContext: z.record(z.string(), z.unknown()),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  resources: z.object({ requests: z.unknown(), limits: z.unknown() }),
  readinessProbe: z.unknown().optional(),
  livenessProbe: z.unknown().optional(),
  startupProbe: z.unknown().optional(),
});
const pod = z.object({
  metadata: z.object({ labels }),
  spec: z.object({
    serviceAccountName: z.string(),
    automountServiceAccountToken: z.literal(false),
    terminationGracePeriodSeconds: z.number().optional(),
    securityContext: z.record(z.string(), z.unknown()),
    containers: z.tuple([container]),
    volumes: z.array(z.looseObject({ name: z.string() })).default([]),
    topologySpreadConstraints: z.array(z.unknown()).default([]),
  }),
});
const metadata = z.looseObject({
  name: z.string().max(63),
  labels,
  annotations: z.record(z.string(), z.string()).default({}),
});

/** An object that the chart renders. */
export const kubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata,
  spec: z.looseObject({}).optional(),
});
export type KubernetesObject = z.infer<typeof kubernetesObject>;

const workload = z.object({
  kind: z.enum(['Deployment', 'Job', 'Pod']),
  metadata,
  spec: z.looseObject({
    replicas: z.number().optional(),
    selector: z.object({ matchLabels: labels }).optional(),
    strategy: z.unknown().optional(),
    template: pod,
  }),
});
/** A Deployment, a Job, or a Pod, as if it had a template. */
export type Workload = z.infer<typeof workload>;

export async function objects(...args: string[]): Promise<KubernetesObject[]> {
  const text = await render(...args);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter((object) => object !== null)
    .map((object) => kubernetesObject.parse(object));
}

export const workloadsOf = (rendered: readonly KubernetesObject[]): Workload[] =>
  rendered
    .filter(({ kind }) => ['Deployment', 'Job', 'Pod'].includes(kind))
    .map((object) =>
      workload.parse(object.kind === 'Pod' ? { ...object, spec: { template: object } } : object),
    );

export const containerOf = ({ spec }: Workload) => spec.template.spec.containers[0];

/** Which program a workload runs, such as `bridge`. */
export const componentOf = ({ metadata: { labels: all } }: Workload): string =>
  all['app.kubernetes.io/component'] ?? '';
