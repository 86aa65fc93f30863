import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tsBlankSpace from 'ts-blank-space';
import ts from 'typescript';
import { PROJECT_DIR } from '../../dev/stack/places.ts';
import type { TemporalKind } from '../../dev/stack/service.ts';
import { SECTIONS } from '../../src/config/sections.ts';
import { MAIN_PACKAGES } from './machine.ts';

/** What a bridge runs for an order of the built-in module. */
export const BRIDGE_CODE = [
  ...['src/bridge/run-bridge.ts', 'src/order/order-module.ts', 'src/program/semaphore.ts'],
] as const;

/** What a worker runs for an order of the built-in module. */
export const WORKER_CODE = [
  ...['src/worker/run-worker.ts', 'src/order/order-module.ts'],
  ...['src/workflows/index.ts', 'dev/workflow-bundle.ts'],
] as const;

/** What bridge and worker in one process run. */
export const ONE_PROCESS_CODE = [
  ...['src/all-in-one/run-all-in-one.ts', ...BRIDGE_CODE, ...WORKER_CODE],
] as const;

/** Empty workflows by the SDK's client and worker alone. */
export const EMPTY_WORKFLOWS_CODE = [
  ...['bench/loads/load-worker.ts', 'bench/loads/load-workflows.ts', 'bench/loads/start-loop.ts'],
] as const;

/** What runs whether or not there are orders. */
export const IDLE_CODE = [
  // How often an idle connection to Kafka wakes its process, and the check every ten seconds.
  ...['src/kafka/patches/idle-connections.ts', 'src/temporal/queue-workers.ts'],
] as const;

/** What decides how the Temporal server of a stack is configured. */
export const SERVER_CODE: Readonly<Record<TemporalKind, readonly string[]>> = {
  dev: ['dev/stack/temporal.ts', 'dev/stack/temporal-cli.ts', 'dev/stack/temporal-tuning.ts'],
  postgres: [
    ...['dev/stack/temporal-on-postgres.ts', 'dev/stack/temporal-server.ts'],
    ...['dev/stack/temporal-cluster.ts', 'dev/stack/temporal-tuning.ts'],
  ],
};

/** The code that a figure was measured with. */
export interface MeasuredCode {
  /** A hash for each folder of src/ and each file elsewhere, by its path, and one for the default settings. */
  readonly hashes: Readonly<Record<string, string>>;
  /** The main packages that this code imports, by the name that `describeMachine` gives them. */
  readonly packages: readonly string[];
}

/** They cost an order nothing, and change often. The defaults of the settings have a hash of their own. */
const NOT_MEASURED = [
  ...['src/config/', 'src/http/', 'src/kafka/connection/', 'src/program/', 'src/telemetry/health/'],
  'src/kafka/consumer/starting-offsets.ts',
  ...IDLE_CODE,
];

/**
 * Finds the code that some modules consist of: themselves, and what they import statically from src/. What is
 * imported on demand, such as the decoder of Avro, costs nothing where it is not used. Nor does what costs an order
 * nothing, unless it is one of the modules.
 *
 * Comments, types and formatting do not count.
 *
 * @param modules paths from the project's folder
 * @param temporal the server that was used: if one of the modules is a program, its configuration counts, too
 */
export function measuredCode(modules: readonly string[], temporal: TemporalKind): MeasuredCode {
  const files = new Map<string, CodeFile>();
  const add = (file: string) => {
    if (files.has(file)) return;
    const code = codeOf(file);
    files.set(file, code);
    for (const imported of code.imports) {
      if (
        imported.startsWith('src/') &&
        !NOT_MEASURED.some((prefix) => imported.startsWith(prefix))
      ) {
        add(imported);
      }
    }
  };
  const hasProgram = modules.some((module) => PROGRAMS.includes(module));
  for (const module of [...modules, ...(hasProgram ? SERVER_CODE[temporal] : [])]) add(module);
  const texts = new Map<string, string[]>();
  for (const [file, { hash }] of [...files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const part = partOf(file);
    texts.set(part, [...(texts.get(part) ?? []), `${file} ${hash}`]);
  }
  const imports = new Set([...files.values()].flatMap((file) => file.packages));
  return {
    hashes: {
      ...Object.fromEntries([...texts].map(([part, lines]) => [part, hashOf(lines.join('\n'))])),
      ...(hasProgram ? { 'default settings': hashOf(defaultSettings()) } : {}),
    },
    packages: Object.entries(MAIN_PACKAGES).flatMap(([title, name]) =>
      imports.has(name) ? [title] : [],
    ),
  };
}

const PROGRAMS = [
  ...['src/bridge/run-bridge.ts', 'src/worker/run-worker.ts', 'src/all-in-one/run-all-in-one.ts'],
];

/** `src/bridge` for src/bridge/flow-control/semaphore.ts; the file itself outside src/. */
const partOf = (file: string) =>
  file.startsWith('src/') ? file.split('/').slice(0, 2).join('/') : file;

interface CodeFile {
  readonly hash: string;
  /** Paths from the project's folder. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

const STATIC_IMPORT = /^(?:import|(?:import|export)\s[^'"`;=()]*\sfrom)\s*['"]([^'"]+)['"]/gm;

const known = new Map<string, CodeFile>();

function codeOf(file: string): CodeFile {
  let code = known.get(file);
  if (!code) {
    code = describeCode(file, readFileSync(path.join(PROJECT_DIR, file), 'utf8'));
    known.set(file, code);
  }
  return code;
}

/** @param file its path from the project's folder, of TypeScript or JSON */
export function describeCode(file: string, text: string): CodeFile {
  if (file.endsWith('.json')) {
    return { hash: hashOf(JSON.stringify(JSON.parse(text))), imports: [], packages: [] };
  }
  const withoutTypes = tsBlankSpace(text);
  const specifiers = [...withoutTypes.matchAll(STATIC_IMPORT)].map(
    ([, specifier = '']) => specifier,
  );
  return {
    hash: hashOf(tokensOf(withoutTypes)),
    imports: specifiers
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => path.join(path.dirname(file), specifier)),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
  };
}

/** The tokens, without comments, white space and the commas that a formatter adds at the end of a list. */
function tokensOf(javascript: string): string {
  const source = ts.createSourceFile('code.js', javascript, ts.ScriptTarget.Latest, true);
  const tokens: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    if (children.length === 0) tokens.push(node.getText(source));
    for (const child of children) visit(child);
  };
  visit(source);
  return tokens
    .filter((token, index) => token !== '' && !(token === ',' && isEnd(tokens, index)))
    .join('\n');
}

const isEnd = (tokens: readonly string[], comma: number) =>
  [')', ']', '}'].includes(tokens.slice(comma + 1).find((token) => token !== '') ?? '');

/** The names and defaults of the settings that bridges and workers read. */
const defaultSettings = () =>
  SECTIONS.filter(({ readBy }) => readBy.includes('bridge') || readBy.includes('worker'))
    .flatMap(({ settings }) => Object.values(settings))
    .flatMap(({ name, default: value }) => (value === undefined ? [] : [`${name}=${value}`]))
    .sort()
    .join('\n');

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
