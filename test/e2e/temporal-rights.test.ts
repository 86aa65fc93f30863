import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { eventually } from '../support/eventually.ts';
import { startGrpcProxy, type GrpcProxy, type GrpcStatus } from '../support/grpc-proxy.ts';
import { orderText } from '../support/messages.ts';
import { runCli } from '../support/programs.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

const DENIED: GrpcStatus = { code: status.PERMISSION_DENIED, message: 'Request unauthorized.' };

let system: TestSystem;
let proxy: GrpcProxy;
beforeEach(async () => {
  system = await createTestSystem();
  proxy = await startGrpcProxy(stackAddress('TEMPORAL_ADDRESS'));
});
afterEach(async () => {
  await system.close();
  await proxy.close();
});

test('every program works without permission for the operator service', async () => {
  // As Temporal Cloud answers a namespace's API key.
  proxy.reject(/OperatorService/, DENIED);
  const temporal = { TEMPORAL_ADDRESS: proxy.address };
  const env = { ...system.bridgeEnv, ...system.workerEnv, ...temporal };
  await Promise.all([system.startBridge(temporal), system.startWorker(temporal)]);
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['a']);
  });
  await system.allCommitted();
  const replay = await runCli(
    ['replay', '--partition', '0', '--from', '0', '--to', '1', '--json'],
    env,
  );
  expect(replay).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(replay.stdout)).toMatchObject({ read: 1, started: 1 });
  expect(await runCli(['setup', '--only', 'temporal'], env)).toMatchObject({
    exitCode: 0,
  });
  const { stdout } = await runCli(['doctor'], env);
  expect(stdout).toContain('✔ Temporal: search attributes');
});

test('every program sends the API key that is in a file', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'api-key-'));
  const file = path.join(dir, 'key');
  writeFileSync(file, 'key-from-file\n');
  try {
    const env = {
      TEMPORAL_ADDRESS: proxy.address,
      TEMPORAL_API_KEY_FILE: file,
      TEMPORAL_TLS: 'false',
    };
    await Promise.all([system.startBridge(env), system.startWorker(env)]);
    await system.topic.send([{ key: 'a', value: orderText('a') }]);
    await eventually(async () => {
      expect(await system.storedOrderIds()).toEqual(['a']);
    });
    const setup = await runCli(['setup', '--only', 'temporal'], { ...system.workerEnv, ...env });
    expect(setup.exitCode).toBe(0);
    // A call of the bridge, of the worker and of the command.
    for (const method of [
      'StartWorkflowExecution',
      'PollWorkflowTaskQueue',
      'ListSearchAttributes',
    ]) {
      expect(proxy.authorizations.get(method)).toEqual(new Set(['Bearer key-from-file']));
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('reports missing permissions as such, not as an unreachable server', async () => {
  proxy.reject(/./, DENIED);
  const env = {
    ...system.bridgeEnv,
    ...system.workerEnv,
    TEMPORAL_ADDRESS: proxy.address,
    TEMPORAL_API_KEY: 'a-key',
    TEMPORAL_TLS: 'false',
  };
  for (const command of [['bridge'], ['worker'], ['setup', '--only', 'temporal']]) {
    const { exitCode, stderr } = await runCli(command, env);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('TEMPORAL_PERMISSION_DENIED');
    expect(stderr).toContain('Request unauthorized.');
    expect(stderr).toContain('TEMPORAL_API_KEY');
  }
});

test('a denied call fails only its own check of the doctor', async () => {
  proxy.reject(/OperatorService|DescribeTaskQueue/, DENIED);
  const env = { ...system.bridgeEnv, ...system.workerEnv, TEMPORAL_ADDRESS: proxy.address };
  const { stdout } = await runCli(['doctor'], env);
  expect(stdout).toContain('✔ Temporal: search attributes');
  expect(stdout).toMatch(/✖ Temporal: workers: .*PERMISSION_DENIED/);
});
