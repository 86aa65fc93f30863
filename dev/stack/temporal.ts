import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { execa } from 'execa';
import { buildOnce } from './build-once.ts';
import { CACHE_DIR } from './places.ts';
import type { LocalService, Report } from './service.ts';
import { StackError } from './stack-error.ts';
import { installedVersion, isOlder, requireTool } from './tool.ts';

/** Temporal's own server and web UI in one program, as `temporal server start-dev` runs them. */
export const temporal: LocalService = {
  title: 'Temporal',
  usualPorts: { frontend: 7233, ui: 8233 },
  stopSignal: 'SIGINT',

  async check() {
    if (!(await isBuiltOrOnPath())) await requireTool(GO);
  },

  async prepare(report) {
    if (!existsSync(BUILT) && (await isBuiltOrOnPath())) return;
    await buildOnce(BUILT, `Temporal ${SERVER_VERSION}`, report, buildTemporal);
    const version = await versionOf(EXECUTABLE);
    if (version !== SERVER_VERSION) {
      throw new StackError(
        `${EXECUTABLE} is server ${version ?? 'unknown'} instead of ${SERVER_VERSION}: delete ${BUILT} and start again`,
      );
    }
  },

  configure({ places, ephemeral }, ports) {
    const dir = path.join(places.dir, 'temporal');
    mkdirSync(dir, { recursive: true });
    return Promise.resolve({
      // What `prepare` has found: one built here, or else one on the PATH.
      command: existsSync(BUILT) ? EXECUTABLE : 'temporal',
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'],
        ...['--port', String(ports['frontend']), '--ui-port', String(ports['ui'])],
        ...(ephemeral ? [] : onDisk(path.join(dir, 'temporal.db'))),
      ],
      cwd: dir,
    });
  },

  async probe(ports) {
    const connection = await Connection.connect({
      address: `127.0.0.1:${ports['frontend']}`,
      connectTimeout: '2s',
      interceptors: [],
    });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
    } finally {
      await connection.close();
    }
  },

  deleteData: () => Promise.resolve(),
};

const CLI_VERSION = '1.5.1';
const SERVER_VERSION = '1.29.1';
const BUILT = path.join(CACHE_DIR, `temporal-cli-${CLI_VERSION}`);
const EXECUTABLE = path.join(BUILT, 'temporal');

const GO = {
  command: 'go',
  versionArgs: ['version'],
  versionPattern: /go(\d+\.\d+)/,
  atLeast: '1.23',
  name: 'Go',
  neededFor: 'Building a local Temporal server',
  install: 'https://go.dev/doc/install, or the Temporal CLI: https://docs.temporal.io/cli',
  instead: 'TEMPORAL_ADDRESS',
};

/** The server's version in `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`. */
const versionOf = (command: string) =>
  installedVersion({
    command,
    versionArgs: ['--version'],
    versionPattern: /Server (\d+\.\d+\.\d+)/,
  });

const GO_SILENCE_MS = 5000;

async function isBuiltOrOnPath(): Promise<boolean> {
  if (existsSync(BUILT)) return true;
  const onPath = await versionOf('temporal');
  return onPath !== undefined && !isOlder(onPath, SERVER_VERSION);
}

async function buildTemporal(target: string, report: Report): Promise<void> {
  const build = execa(
    'go',
    ['install', '-ldflags', '-s -w', `github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`],
    { env: { GOBIN: target }, reject: false, all: true },
  );
  const compiling = () => {
    report('compiling, about two minutes');
  };
  // Go says what it downloads, and nothing while it compiles.
  let silence = setTimeout(compiling, 0);
  build.all.on('data', (chunk: Buffer) => {
    report(chunk.toString().trim().split('\n').at(-1) ?? '');
    clearTimeout(silence);
    silence = setTimeout(compiling, GO_SILENCE_MS);
  });
  const result = await build;
  clearTimeout(silence);
  if (result.failed) {
    throw new StackError(
      `Go could not build Temporal ${CLI_VERSION}:\n${result.all.split('\n').slice(-15).join('\n')}`,
    );
  }
}

/** With these pragmas the server starts 400 workflows a second on disk instead of 155. */
const onDisk = (file: string) => [
  ...['--db-filename', file],
  ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
];
