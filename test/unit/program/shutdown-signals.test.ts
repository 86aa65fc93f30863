import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';

const inProcess = (code: string) =>
  execa(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    cwd: new URL('../../..', import.meta.url).pathname,
    reject: false,
  });

const HANDLING = `
  const { createShutdownLimit, handleSignals } =
    await import('./src/program/shutdown-signals.ts');
  handleSignals();
  setInterval(() => undefined, 1000);
`;

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
])(
  '%s ends a program that does not listen for it yet, even as the process with ID 1',
  async (signal, code) => {
    const killed = await inProcess(`${HANDLING} process.kill(process.pid, '${signal}');`);
    expect(killed.signal).toBe(signal);
    // The kill of an own signal has no effect on process 1.
    const first = await inProcess(
      `${HANDLING} process.kill = () => true; process.emit('${signal}', '${signal}');`,
    );
    expect(first.exitCode).toBe(code);
  },
);

test('a shutdown that takes too long ends the process with the exit code given first', async () => {
  const { exitCode, stdout } = await inProcess(
    `${HANDLING} const limit = createShutdownLimit(1, () => console.log('cut off'));
    limit.begin(3);
    limit.begin(0);`,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: 'cut off' });
});

test('a shutdown that takes too long does not hide an earlier failure', async () => {
  const { exitCode } = await inProcess(
    `${HANDLING} process.exitCode = 1;
    createShutdownLimit(1, () => undefined).begin(0);`,
  );
  expect(exitCode).toBe(1);
});

test('signals are handled before anything slow is loaded', () => {
  const importsOf = (file: string) =>
    [...readFileSync(file, 'utf8').matchAll(/^import .* from '(.*)';$/gm)].map(
      ([, from]) => from ?? '',
    );
  const main = path.join(import.meta.dirname, '../../../src/cli/main.ts');
  const own = importsOf(main).filter((from) => !from.startsWith('node:'));
  expect(own.length).toBeGreaterThan(0);
  for (const from of own) {
    expect(from).toMatch(/^\.\.\/program\//);
    for (const next of importsOf(path.resolve(path.dirname(main), from))) {
      expect(next).toMatch(/^node:/);
    }
  }
});
