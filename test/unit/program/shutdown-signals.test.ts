import { readFileSync } from 'node:fs';
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
  '%s ends a program that does not listen yet, also as the process with the ID 1',
  async (signal, code) => {
    const killed = await inProcess(`${HANDLING} process.kill(process.pid, '${signal}');`);
    expect(killed.signal).toBe(signal);
    // Linux discards a signal without a handler for that process.
    const first = await inProcess(
      `${HANDLING} process.kill = () => true; process.emit('${signal}', '${signal}');`,
    );
    expect(first.exitCode).toBe(code);
  },
);

test('a shutdown that takes too long is cut off', async () => {
  const { exitCode, stdout } = await inProcess(
    `${HANDLING} const limit = createShutdownLimit(1, () => console.log('cut off'));
    limit.begin(3);
    limit.begin(0);`,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: 'cut off' });
});

test('signals are handled before anything is loaded that takes time', () => {
  const main = readFileSync(new URL('../../../src/cli/main.ts', import.meta.url), 'utf8');
  const imports = [...main.matchAll(/^import .* from '(.*)';$/gm)].map(([, from]) => from);
  expect(imports.length).toBeGreaterThan(0);
  for (const from of imports) expect(from).toMatch(/^\.\.\/program\//);
});
