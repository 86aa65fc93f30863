import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { downloadFile, downloadText } from '../../../dev/stack/download.ts';
import { parseSha512 } from '../../../dev/stack/kafka.ts';
import { runDownload } from '../../../dev/stack/run-download.ts';
import { checkSources, install, type Source } from '../../../dev/stack/sources.ts';
import { StackError } from '../../../dev/stack/stack-error.ts';
import { findCommand } from '../../../dev/stack/tool.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'sources-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

interface TestSource extends Source {
  readonly calls: string[];
}

/** A source that notes its calls. */
function source(
  name: string,
  behavior: { check?: Error; fetch?: Error; folder?: string } = {},
): TestSource {
  const calls: string[] = [];
  return {
    name,
    howTo: `how to get ${name}`,
    folder: path.join(dir, behavior.folder ?? name),
    calls,
    check() {
      calls.push('check');
      return behavior.check ? Promise.reject(behavior.check) : Promise.resolve();
    },
    fetch(folder) {
      calls.push('fetch');
      writeFileSync(path.join(folder, 'program'), name);
      return behavior.fetch ? Promise.reject(behavior.fetch) : Promise.resolve();
    },
  };
}

const refused = new StackError('connection refused\nmore of its log');
const OTHER_WAYS = ['a running server: set SERVER_ADDRESS'];

async function installFrom(sources: readonly Source[], signal?: AbortSignal) {
  const notes: string[] = [];
  const progress = { report: () => undefined, note: (text: string) => notes.push(text), signal };
  const result = await install('A server', sources, OTHER_WAYS, progress);
  return { ...result, notes, program: readFileSync(path.join(result.folder, 'program'), 'utf8') };
}

describe('the programs of a server', () => {
  test('come from the first source that works; the ones before are passed over with a note', async () => {
    const [first, second, third, last] = [
      source('first', { check: refused }),
      source('second', { fetch: refused }),
      source('third'),
      source('last'),
    ];
    const installed = await installFrom([first, second, third, last]);
    expect(installed).toMatchObject({ folder: third.folder, origin: 'third', program: 'third' });
    expect(installed.notes).toEqual([
      'passed over first: connection refused',
      'passed over second: connection refused',
    ]);
    expect(first.calls).toEqual(['check']);
    expect(last.calls).toEqual([]);
    // A failed source leaves nothing that would count as cached.
    expect(readdirSync(dir)).toEqual(['third']);
  });

  test('come from the cache the next time, without asking a source', async () => {
    await installFrom([source('one')]);
    const again = source('one');
    expect(await installFrom([again])).toMatchObject({ origin: 'one, cached', program: 'one' });
    expect(again.calls).toEqual([]);
    await expect(checkSources('A server', [again], [])).resolves.toBeUndefined();
    expect(again.calls).toEqual([]);
  });

  test('come from a later source that fills the same folder, under its own name', async () => {
    const broken = source('mirror', { folder: 'shared', fetch: refused });
    const other = source('archive', { folder: 'shared' });
    expect(await installFrom([broken, other])).toMatchObject({ origin: 'archive' });
    expect(await installFrom([broken, other])).toMatchObject({ origin: 'archive, cached' });
  });

  test('in the cache of an older version are used', async () => {
    const old = source('old');
    mkdirSync(old.folder);
    writeFileSync(path.join(old.folder, 'program'), 'built before');
    expect(await installFrom([old])).toMatchObject({
      origin: 'old, cached',
      program: 'built before',
    });
  });

  test('are not left half-fetched by a killed command', async () => {
    const one = source('one');
    mkdirSync(`${one.folder}.1.partial`);
    await installFrom([one]);
    expect(readdirSync(dir)).toEqual(['one']);
  });

  test('are fetched once by commands that start at the same time', async () => {
    const [left, right] = [source('one'), source('one')];
    await Promise.all([installFrom([left]), installFrom([right])]);
    expect([...left.calls, ...right.calls].filter((call) => call === 'fetch')).toHaveLength(1);
  });

  test('that no source has: one error names every source, its reason and the ways out', async () => {
    const sources = [source('first', { check: refused }), source('second', { fetch: refused })];
    const error: unknown = await installFrom(sources).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StackError);
    const { message } = error as StackError;
    for (const part of [
      'first',
      'second',
      'connection refused',
      'SERVER_ADDRESS',
      'how to get second',
    ])
      expect(message).toContain(part);
  });

  test('that no source can have are found to be missing before anything is fetched', async () => {
    const sources = [source('first', { check: refused }), source('second', { check: refused })];
    await expect(checkSources('A server', sources, OTHER_WAYS)).rejects.toThrow(StackError);
    const usable = [source('third', { check: refused }), source('fourth')];
    await expect(checkSources('A server', usable, OTHER_WAYS)).resolves.toBeUndefined();
    expect([...sources, ...usable].flatMap(({ calls }) => calls)).not.toContain('fetch');
  });

  test('are not looked for further after Ctrl-C', async () => {
    const end = new AbortController();
    const interrupted: Source = {
      ...source('first'),
      fetch() {
        end.abort();
        return Promise.reject(refused);
      },
    };
    const next = source('next');
    await expect(installFrom([interrupted, next], end.signal)).rejects.toThrow(/abort/i);
    expect(next.calls).toEqual([]);
  });
});

describe('a download', () => {
  let server: Server;
  let url: string;
  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === '/silent') return;
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
        return;
      }
      response.writeHead(request.url === '/ok' ? 200 : 404);
      response.end('content');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('ends complete, or with a StackError', async () => {
    const file = path.join(dir, 'file');
    await downloadFile(`${url}/ok`, file, () => undefined);
    expect(readFileSync(file, 'utf8')).toBe('content');
    await expect(downloadText(`${url}/missing`)).rejects.toThrow(/404/);
    await expect(downloadFile(`${url}/cut`, file, () => undefined)).rejects.toThrow(StackError);
    await expect(downloadText('http://127.0.0.1:1/')).rejects.toThrow(/ECONNREFUSED|bad port/);
  });

  test('without an answer ends within seconds', async () => {
    const startedAt = Date.now();
    await expect(downloadText(`${url}/silent`)).rejects.toThrow(/no answer/);
    expect(Date.now() - startedAt).toBeLessThan(15_000);
  });
});

describe('a download by a package manager', () => {
  const run = (script: string, answerTimeoutMs?: number) =>
    runDownload('sh', ['-c', script], {
      asks: /^Collecting/m,
      isAnswered: /^Downloading/m,
      ...(answerTimeoutMs === undefined ? {} : { answerTimeoutMs }),
    });

  test('that is not answered is stopped', async () => {
    await expect(run('echo Collecting; exec sleep 60', 300)).rejects.toThrow(/no answer/);
  });

  test('that has been answered may take longer', async () => {
    const script = 'echo Collecting; echo Downloading; sleep 4';
    await expect(run(script, 3000)).resolves.toBeUndefined();
  });

  test('fails with the first error that it reports', async () => {
    const script = 'echo Collecting; echo "ERROR: no such package"; echo "a hint"; exit 1';
    await expect(run(script)).rejects.toThrow(/^sh failed: ERROR: no such package/);
  });

  test('fails if the command does not exist', async () => {
    const options = { asks: /x/, isAnswered: /x/ };
    await expect(runDownload('no-such-command', [], options)).rejects.toThrow(StackError);
  });
});

test.each([
  ['kafka.tgz: 65C09FBE 8C78098B\n   ' + 'AB '.repeat(56), 'gpg'],
  [`65c09fbe8c78098b${'ab'.repeat(56)}  kafka.tgz\n`, 'sha512sum'],
])('the SHA-512 of Apache is read in each of its forms (%#)', (text) => {
  expect(parseSha512(text, 'kafka.tgz')).toBe(`65c09fbe8c78098b${'ab'.repeat(56)}`);
  expect(() => parseSha512('<html>', 'kafka.tgz')).toThrow(StackError);
});

test('a command is found on the PATH only if it can be run', () => {
  const [plain, executable] = [path.join(dir, 'a'), path.join(dir, 'b')];
  for (const folder of [plain, executable]) mkdirSync(folder);
  writeFileSync(path.join(plain, 'temporal'), '', { mode: 0o644 });
  writeFileSync(path.join(executable, 'temporal'), '', { mode: 0o755 });
  const searchPath = [plain, 'relative', executable].join(path.delimiter);
  expect(findCommand('temporal', searchPath)).toBe(path.join(executable, 'temporal'));
  expect(findCommand('temporal', plain)).toBeUndefined();
  expect(existsSync(plain)).toBe(true);
});
