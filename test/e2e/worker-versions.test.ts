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
  const { client } = system;
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: client.options.namespace,
    deploymentName,
    buildId: '1.0',
  });
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['a']);
  });
  expect(await doctor()).toContain('✔ Temporal: workers');
});
