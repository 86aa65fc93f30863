import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createApiKeys } from '../support/api-keys.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli, type ProgramEnv } from '../support/programs.ts';
import { startSecuredTemporal, type SecuredTemporal } from '../support/secured-temporal.ts';
import { setUpAll } from '../support/set-up.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { SERVER_START_TIMEOUT_MS } from '../support/temporal-on-postgres.ts';

/** A Temporal server that authorizes each call by an API key. It has the roles read, write and admin per namespace. */
const apiKeys = createApiKeys();
let temporal: SecuredTemporal;
let system: TestSystem;
/** The settings of every program, without an API key. */
let env: ProgramEnv;

setUpAll(async (onUndo) => {
  temporal = await startSecuredTemporal({ apiKeys });
  onUndo(() => temporal.remove());
  system = await createTestSystem({ securedTemporal: temporal });
  onUndo(() => system.close());
  env = { ...system.bridgeEnv, ...system.workerEnv };
}, SERVER_START_TIMEOUT_MS);

const withKey = (key: string): ProgramEnv => ({ ...env, TEMPORAL_API_KEY: key });
const withRole = (role: 'read' | 'write' | 'admin') => withKey(apiKeys.issue([`default:${role}`]));
const SETUP = ['setup', '--only', 'temporal'];

test('setup names the way for whoever may not add search attributes, and adds them for an admin', async () => {
  const denied = await runCli(SETUP, withRole('write'));
  expect(denied.exitCode).toBe(1);
  expect(denied.stderr).toContain('SEARCH_ATTRIBUTES_MISSING');
  expect(denied.stderr).toContain('tcld namespace search-attributes add --namespace default');
  const { stdout } = await runCli(['doctor'], withRole('write'));
  expect(stdout).toMatch(/✖ Temporal: search attributes[^]*needs the role admin/);
  expect(await runCli(SETUP, withRole('admin'))).toMatchObject({ exitCode: 0 });
  // With them present, no more is needed than to look at them.
  expect(await runCli(SETUP, withRole('read'))).toMatchObject({ exitCode: 0 });
});

test('the role write is enough for bridge, worker and tools, and read for those that only read', async () => {
  const writeKey = { TEMPORAL_API_KEY: apiKeys.issue(['default:write']) };
  const programs = await Promise.all([system.startBridge(writeKey), system.startWorker(writeKey)]);
  await system.topic.send([
    { key: 'a', value: orderText('a') },
    { key: 'b', value: orderText('b', { customer_name: '""' }) },
  ]);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['a']);
    expect(await system.status('b')).toBe('FAILED');
  });
  await system.allCommitted();
  const commands: [readonly string[], 'read' | 'write', number][] = [
    [['orders', 'list', '--json'], 'read', 0],
    [['orders', 'show', 'a', '--json'], 'read', 0],
    [['reconcile', '--json'], 'read', 0],
    [['orders', 'rerun', 'b', '--yes', '--json'], 'read', 1],
    [['orders', 'rerun', 'b', '--yes', '--json'], 'write', 0],
  ];
  for (const [command, role, exitCode] of commands) {
    const result = await runCli(command, withRole(role));
    expect({ command, role, ...result }).toMatchObject({ exitCode });
    if (exitCode === 1) expect(result.stderr).toContain('TEMPORAL_PERMISSION_DENIED');
  }
  await Promise.all(programs.map((program) => program.end('SIGTERM')));
});

test('an API key that is missing, has expired or is not known is reported as such', async () => {
  const faults: [ProgramEnv, string, RegExp][] = [
    [env, 'TEMPORAL_LOGIN_REJECTED', /no API key and no client certificate is set/],
    [
      withKey(apiKeys.issue(['default:write'], -60_000)),
      'TEMPORAL_LOGIN_REJECTED',
      /the API key expired at 20/,
    ],
    [withKey(createApiKeys().issue(['default:write'])), 'TEMPORAL_PERMISSION_DENIED', /API_KEY/],
    [withKey('not-a-token'), 'TEMPORAL_PERMISSION_DENIED', /API_KEY/],
    [withKey(apiKeys.issue(['other:write'])), 'TEMPORAL_PERMISSION_DENIED', /"default"/],
  ];
  for (const [faulty, code, cause] of faults) {
    // The programs connect alike, and one process is faster than two.
    const commands = code === 'TEMPORAL_LOGIN_REJECTED' ? [['bridge'], ['worker']] : [SETUP];
    const results = await Promise.all(commands.map((command) => runCli(command, faulty)));
    for (const { exitCode, stderr } of results) {
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`order-ingest: ${code}: `) as string,
      });
      expect(stderr).toMatch(cause);
      expect(stderr).not.toContain(faulty['TEMPORAL_API_KEY'] ?? 'nothing');
    }
  }
});

test('an API key in a file is renewed without a restart, also when the previous one was revoked', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'api-key-'));
  try {
    const file = path.join(dir, 'key');
    const useKeyOf = (namespace: string) => {
      writeFileSync(file, apiKeys.issue([`${namespace}:write`]));
    };
    useKeyOf('default');
    const keyFile = { TEMPORAL_API_KEY_FILE: file };
    const programs = await Promise.all([system.startBridge(keyFile), system.startWorker(keyFile)]);
    const haveStatus = (expected: number) =>
      Promise.all(
        programs.map((program) =>
          eventually(async () => {
            const { status, body } = await program.http('GET', '/readyz');
            expect({ status, body }).toMatchObject({ status: expected });
          }, 30_000),
        ),
      );
    await haveStatus(200);
    // As if its permission had been revoked.
    useKeyOf('other');
    for (const program of programs) await program.logged('temporal_credentials_renewed');
    await system.topic.send([{ key: 'c', value: orderText('c') }]);
    await haveStatus(503);
    useKeyOf('default');
    await haveStatus(200);
    await eventually(async () => {
      expect(await system.storedOrderIds()).toContain('c');
    });
    await system.allCommitted();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
