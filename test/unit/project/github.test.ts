import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';

const project = path.join(import.meta.dirname, '../../..');
const workflows = path.join(project, '.github/workflows');
const files = readdirSync(workflows);
const read = (file: string) => readFileSync(path.join(workflows, file), 'utf8');

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}
interface Job {
  readonly 'timeout-minutes'?: number;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly node: readonly string[] } };
  readonly steps: readonly Step[];
}
interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
const load = (file: string) => parse(read(file)) as Workflow;

test.each(files)('%s pins every action by commit and names its version', (file) => {
  const uses = [...read(file).matchAll(/uses: (.*)$/gm)].map((match) => match[1]);
  expect(uses.length).toBeGreaterThan(0);
  for (const action of uses) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test.each(files)('%s has only the right to read by default, and bounds every job', (file) => {
  const { permissions, jobs } = load(file);
  expect(permissions).toEqual({ contents: 'read' });
  for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
});

test('CI runs .ci/run on the oldest supported version of Node and on every later release line', () => {
  const { check } = load('ci.yml').jobs;
  expect(check?.steps.map(({ run }) => run)).toContain('.ci/run');
  const { engines } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  const [oldest, ...later] = check?.strategy?.matrix.node ?? [];
  expect(engines.node).toBe(`>=${oldest}`);
  expect(later).toEqual(['22', '24']);
});

test('every job of a release that may write waits for approval', () => {
  const writing = Object.values(load('release.yml').jobs).filter(({ permissions = {} }) =>
    Object.values(permissions).includes('write'),
  );
  expect(writing.length).toBeGreaterThan(0);
  for (const { environment } of writing) expect(environment).toBe('release');
});

test('the image of a release gets every build argument of the Dockerfile, for both platforms', () => {
  const dockerfile = readFileSync(path.join(project, 'deploy/Dockerfile'), 'utf8');
  const labels = [...dockerfile.matchAll(/^ARG (VERSION|REVISION|SOURCE)\b/gm)].map(
    ([, arg]) => arg,
  );
  const given = load('release.yml').jobs['image']?.steps.find(
    (step) => step.with?.['file'] === 'deploy/Dockerfile',
  )?.with;
  expect(labels).toHaveLength(3);
  for (const label of labels) expect(given?.['build-args']).toMatch(new RegExp(`^${label}=`, 'm'));
  expect(given?.['platforms']).toBe('linux/amd64,linux/arm64');
});

test('the chart of a release names the released image', async () => {
  const step = load('release.yml').jobs['chart']?.steps.find(({ run }) => run?.includes('$IMAGE'));
  const dir = mkdtempSync(path.join(tmpdir(), 'chart-'));
  try {
    const chart = 'deploy/helm/order-ingest';
    cpSync(path.join(project, chart), path.join(dir, chart), { recursive: true });
    const image = 'registry.example.com/shop/order-ingest';
    await execa('bash', ['-e', '-c', step?.run ?? ''], { cwd: dir, env: { IMAGE: image } });
    const values = readFileSync(path.join(dir, chart, 'values.yaml'), 'utf8');
    expect(parse(values)).toMatchObject({ image: { repository: image } });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
