import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli } from '../support/programs.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const deploy = (deploymentName: string, ...args: string[]) =>
  runCli(['deploy', ...args], {
    ...system.workerEnv,
    TEMPORAL_DEPLOYMENT_NAME: deploymentName,
  });

test('worker and doctor report workers whose version is not current until it is made current', async () => {
  const deploymentName = uniqueName('deployment');
  const worker = await system.startWorker({
    TEMPORAL_DEPLOYMENT_NAME: deploymentName,
    TEMPORAL_BUILD_ID: '1.0',
  });
  await system.startBridge();
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  const logged = await worker.logged('orders_not_routed');
  const command = `TEMPORAL_DEPLOYMENT_NAME=${deploymentName} order-ingest deploy promote --build-id 1.0`;
  expect(logged['remedy']).toContain(command);
  const doctor = async () => {
    const { stdout } = await runCli(['doctor'], { ...system.bridgeEnv, ...system.workerEnv });
    return stdout;
  };
  expect(await doctor()).toMatch(/✖ Temporal: workers: .*version 1\.0 of deployment/);
  expect(await doctor()).toContain(command);
  expect(await deploy(deploymentName, 'promote', '--build-id', '1.0')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('version 1.0 is current'),
  });
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['a']);
  });
  expect(await doctor()).toContain('✔ Temporal: workers');
});

test('a current version without workers is reported, and a version without workers is refused', async () => {
  const deploymentName = uniqueName('deployment');
  await system.startWorker({
    TEMPORAL_DEPLOYMENT_NAME: deploymentName,
    TEMPORAL_BUILD_ID: '1.0',
  });
  const unknown = await deploy(deploymentName, 'promote', '--build-id', '2.0', '--timeout', '1');
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toContain('DEPLOYMENT_VERSION_NOT_POLLING');
  // The server registers the deployment a moment after the worker has started.
  await eventually(async () => {
    expect((await deploy(deploymentName, 'rollback')).stderr).toContain(
      'DEPLOYMENT_NO_PREVIOUS_VERSION',
    );
  });
  expect((await deploy(deploymentName, 'promote', '--build-id', '1.0')).exitCode).toBe(0);
  const { client } = system;
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: client.options.namespace,
    deploymentName,
    buildId: '2.0',
    allowNoPollers: true,
    ignoreMissingTaskQueues: true,
  });
  // The server does not route a task queue that no worker of the current version has polled.
  await eventually(async () => {
    const status = await deploy(deploymentName, 'status', '--json');
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({
      problem: expect.stringContaining('version 1.0'),
      remedy: expect.stringContaining('deploy promote --build-id 1.0'),
    });
  });
  // The server does not say that task queues follow if the version before had none.
  expect(
    (await deploy(deploymentName, 'promote', '--build-id', '1.0', '--timeout', '5')).exitCode,
  ).toBe(0);
  await eventually(async () => {
    expect((await deploy(deploymentName, 'status')).exitCode).toBe(0);
  });
});

test('a rollback can be repeated, follows the order of promotions, and needs no workers to end a ramp', async () => {
  const deploymentName = uniqueName('deployment');
  const start = (buildId: string) =>
    system.startWorker({ TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_BUILD_ID: buildId });
  const json = async (...args: string[]) => {
    const { stdout, exitCode } = await deploy(deploymentName, ...args, '--json');
    expect(exitCode).toBe(0);
    return JSON.parse(stdout) as { readonly propagated: boolean };
  };
  const promote = (buildId: string, ...args: string[]) =>
    json('promote', '--build-id', buildId, ...args);
  await start('1.0');
  // Nothing tells when unversioned workers are drained.
  expect(await promote('1.0', '--wait')).toMatchObject({ replaced: null, drained: false });
  await start('1.2');
  await promote('1.2', '--percentage', '10');
  const rolledBackAt = Date.now();
  const removed = await json('rollback');
  expect(removed).toMatchObject({ action: 'remove-ramp' });
  // It waits until the task queues follow; a busy server may need longer than that.
  expect(removed.propagated || Date.now() - rolledBackAt > 30_000).toBe(true);
  expect(await json('rollback')).toMatchObject({ action: 'rolled-back', changed: false });
  await start('1.1');
  await promote('1.1');
  await promote('1.2');
  expect(await json('rollback')).toMatchObject({
    action: 'make-current',
    after: { current: '1.1' },
  });
  expect(await json('rollback')).toMatchObject({ action: 'rolled-back' });
  // Within one second, the task queues may not follow yet.
  await eventually(async () => {
    const late = await deploy(
      deploymentName,
      ...['promote', '--build-id', '1.2', '--wait', '--timeout', '1', '--json'],
    );
    expect(late).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('DEPLOYMENT_NOT_DRAINED'),
    });
    expect(JSON.parse(late.stdout)).toMatchObject({
      current: '1.2',
      replaced: '1.1',
      drained: false,
    });
  });
  // The version that is current has no workers.
  const { client } = system;
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: client.options.namespace,
    deploymentName,
    buildId: '9.0',
    allowNoPollers: true,
    ignoreMissingTaskQueues: true,
  });
  await promote('1.1', '--percentage', '10', '--timeout', '5');
  const rollback = await deploy(deploymentName, 'rollback');
  expect(rollback).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('removed the ramp of version 1.1'),
    stderr: expect.stringContaining('no worker of version 9.0 polls'),
  });
});
