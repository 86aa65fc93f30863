import { BENCHMARKS } from '../../../bench/benchmarks/index.ts';
import {
  BRIDGE_CODE,
  describeCode,
  measuredCode,
  ONE_PROCESS_CODE,
} from '../../../bench/harness/measured-code.ts';
import { packageVersions } from '../../../bench/harness/machine.ts';
import { ageOf, type StoredResult } from '../../../bench/harness/stored-result.ts';
import { VARIANTS } from '../../../bench/variants/index.ts';

const hashOf = (text: string) => describeCode('src/a.ts', text).hash;
const CODE = 'export const a = (b: number) => [b, `c ${b}`];';

test.each([
  ['comments', '/** Says why. */ export const a = (b: number) => [b, `c ${b}`]; // done'],
  ['formatting', 'export const a =\n  (b: number) => [\n    b,\n    `c ${b}`,\n  ];'],
  ['types', 'export const a = (b: string): unknown[] => [b, `c ${b}`];'],
])('a change of %s is no change of the measured code', (_, text) => {
  expect(hashOf(text)).toBe(hashOf(CODE));
});

test.each([
  ['a literal', 'export const a = (b: number) => [b, `d ${b}`];'],
  ['white space in a literal', 'export const a = (b: number) => [b, `c  ${b}`];'],
  ['an expression', 'export const a = (b: number) => [b + 1, `c ${b}`];'],
])('a change of %s is a change of the measured code', (_, text) => {
  expect(hashOf(text)).not.toBe(hashOf(CODE));
});

test('the measured code is what the modules import statically', () => {
  const text = [
    "import { b } from './b.ts';",
    "import type { C } from './c.ts';",
    "import {\n  d,\n} from '../d/d.ts';",
    "export { e } from './e.ts';",
    "import './f.ts';",
    "import kafkajs from 'kafkajs';",
    "export const load = () => import('./g.ts');",
  ].join('\n');
  expect(describeCode('src/a/a.ts', text)).toMatchObject({
    imports: ['src/a/b.ts', 'src/d/d.ts', 'src/a/e.ts', 'src/a/f.ts'],
    packages: ['kafkajs'],
  });
});

test('a benchmark of the translation depends on neither the bridge nor Kafka', () => {
  const { hashes, packages } = measuredCode(['bench/benchmarks/translate.ts'], 'dev');
  expect(Object.keys(hashes)).toEqual([
    ...['bench/benchmarks/translate.ts', 'src/contract', 'src/order-kit', 'src/order'],
  ]);
  expect(packages).toEqual(['zod']);
});

test('what runs a program depends on how its Temporal server is configured, and on the default settings', () => {
  const partsOf = (...args: Parameters<typeof measuredCode>) =>
    Object.keys(measuredCode(...args).hashes).filter((part) => !part.startsWith('src/'));
  expect(partsOf(ONE_PROCESS_CODE, 'dev')).toEqual([
    ...['dev/stack/temporal-cli.ts', 'dev/stack/temporal-tuning.ts', 'dev/stack/temporal.ts'],
    ...['dev/workflow-bundle.ts', 'default settings'],
  ]);
  expect(partsOf(BRIDGE_CODE, 'postgres')).toEqual([
    ...['dev/stack/temporal-cluster.ts', 'dev/stack/temporal-on-postgres.ts'],
    ...['dev/stack/temporal-server.ts', 'dev/stack/temporal-tuning.ts', 'default settings'],
  ]);
});

const measured = measuredCode(['bench/benchmarks/translate.ts'], 'dev');
const result: StoredResult = {
  measured: '2026-11-28T00:00:00.000Z',
  temporal: 'dev',
  machine: packageVersions(),
  code: measured.hashes,
  name: 'translate',
};
const age = (changes: Partial<StoredResult>) =>
  ageOf({ ...result, ...changes }, ['bench/benchmarks/translate.ts']);

test('a result is current until its code or a package that it imports changes', () => {
  expect(age({})).toEqual({ kind: 'current' });
  expect(age({ machine: { ...result.machine, kafkajs: '0.0.0' } })).toEqual({ kind: 'current' });
  expect(age({ machine: { ...result.machine, zod: '0.0.0' } })).toEqual({
    kind: 'older',
    changed: ['zod'],
  });
  expect(age({ code: { ...result.code, 'src/order': 'before' } })).toEqual({
    kind: 'older',
    changed: ['src/order'],
  });
});

test('a result without a record of its code says so', () => {
  const { code, ...earlier } = result;
  expect(code).toBeDefined();
  expect(ageOf(earlier, [])).toEqual({ kind: 'not-recorded' });
});

test.each([...BENCHMARKS, ...VARIANTS].map(({ name, code }) => [name, code] as const))(
  'the code of %s exists, and has its own file',
  (_, code) => {
    const files = Object.keys(measuredCode(code, 'dev').hashes);
    expect(files.some((file) => file.startsWith('bench/'))).toBe(true);
  },
);
