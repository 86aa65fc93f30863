import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { createTestSystem, inOneProcess, type TestSystem } from '../support/system.ts';

const MAIN = path.join(import.meta.dirname, '../../dist/cli/main.js');

let system: TestSystem;
beforeAll(async () => {
  system = await createTestSystem();
});
afterAll(() => system.close());

/** Starts a program whose stdout is a full disk. */
function startUnlogged(args: readonly string[], env: Readonly<Record<string, string>>) {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { child, ended: once(child, 'close'), stderr: () => stderr };
}

test('orders are processed while the log cannot be written', async () => {
  const programs = inOneProcess()
    ? [startUnlogged(['run'], { ...system.workerEnv, ...system.bridgeEnv })]
    : [startUnlogged(['bridge'], system.bridgeEnv), startUnlogged(['worker'], system.workerEnv)];
  try {
    await system.topic.send([{ key: 'a', value: orderText('a') }]);
    await eventually(async () => {
      expect(await system.storedOrderIds()).toEqual(['a']);
    });
    for (const { child, ended, stderr } of programs) {
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(stderr()).toMatch(/^order-ingest: the log cannot be written to stdout: ENOSPC.*\n$/);
    }
  } finally {
    for (const { child } of programs) child.kill('SIGKILL');
  }
});

test.each([['--help'], ['config']])(
  '%s ends with one line on stderr and exit code 1',
  async (command) => {
    const { ended, stderr } = startUnlogged([command], {});
    expect(await ended).toEqual([1, null]);
    expect(stderr()).toMatch(/^order-ingest: The output cannot be written: ENOSPC.*\n$/);
  },
);
