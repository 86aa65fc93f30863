import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import kafkajs from 'kafkajs';
import { runCli } from '../support/programs.ts';
import { aclProperties, startOwnBroker, type OwnBroker } from '../support/own-broker.ts';
import { eventually } from '../support/eventually.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

let broker: OwnBroker;
let system: TestSystem;
beforeAll(async () => {
  broker = await startOwnBroker(aclProperties({ limited: 'limited-password' }));
  system = await createTestSystem({ brokers: broker.address });
});
afterAll(async () => {
  await system.close();
  await broker.remove();
});

const envOf = () => ({
  ...system.bridgeEnv,
  ...system.workerEnv,
  KAFKA_BROKERS: broker.saslAddress,
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'limited',
  KAFKA_SASL_PASSWORD: 'limited-password',
});

type Operation = 'READ' | 'WRITE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'CREATE';

async function grant(operation: Operation, type: 'TOPIC' | 'GROUP', name: string): Promise<void> {
  await system.topic.admin.createAcls({
    acl: [
      {
        resourceType: AclResourceTypes[type],
        resourceName: name,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:limited',
        host: '*',
        operation: AclOperationTypes[operation],
        permissionType: AclPermissionTypes.ALLOW,
      },
    ],
  });
}

/** Expects the command to fail for want of this permission, and to name the command that grants it. */
async function expectMissing(args: readonly string[], permission: string, option: string) {
  await eventually(async () => {
    const { exitCode, stderr } = await runCli([...args], envOf());
    expect(stderr).toContain('KAFKA_RIGHT_MISSING');
    expect(stderr).toContain(permission);
    expect(stderr).toContain(`--allow-principal User:limited`);
    expect(stderr).toContain(option);
    expect(exitCode).toBe(1);
  });
}

test('commands name each missing permission in turn until all are granted', async () => {
  const { name: topic, deadLetterTopic, groupId } = system.topic;
  await expectMissing(['lag'], `DESCRIBE on topic "${topic}"`, `--topic '${topic}'`);
  await expectMissing(['setup', '--only', 'kafka'], `DESCRIBE on topic "${topic}"`, 'Describe');
  await expectMissing(['bridge'], `READ on topic "${topic}"`, '--operation Read');
  await grant('DESCRIBE', 'TOPIC', topic);
  await expectMissing(['lag'], `DESCRIBE on topic "${deadLetterTopic}"`, 'Describe');
  await expectMissing(
    ['produce', '--sample', '1'],
    `WRITE on topic "${topic}"`,
    `--operation Write --topic '${topic}'`,
  );
  await expectMissing(
    ['setup', '--only', 'kafka'],
    `DESCRIBE_CONFIGS on topic "${topic}"`,
    '--operation DescribeConfigs',
  );
  await grant('DESCRIBE', 'TOPIC', deadLetterTopic);
  await expectMissing(['lag'], `DESCRIBE on consumer group "${groupId}"`, `--group '${groupId}'`);
  await expectMissing(['bridge'], `READ on consumer group "${groupId}"`, '--group');
  await expectMissing(
    ['dead-letters', 'list'],
    `DESCRIBE on topic "${deadLetterTopic}.replayed"`,
    'Describe',
  );
  await grant('DESCRIBE', 'GROUP', groupId);
  await eventually(async () => {
    expect(await runCli(['lag', '--interval', '1'], envOf())).toMatchObject({ exitCode: 0 });
  });
  await grant('DESCRIBE_CONFIGS', 'TOPIC', topic);
  await grant('DESCRIBE', 'TOPIC', `${deadLetterTopic}.replayed`);
  await expectMissing(
    ['setup', '--only', 'kafka'],
    `CREATE on topic "${deadLetterTopic}.replayed"`,
    '--operation Create',
  );
});

test('the doctor names missing permissions, and still runs the checks that do not need them', async () => {
  const { stdout } = await runCli(['doctor', '--json'], {
    ...envOf(),
    KAFKA_GROUP_ID: 'another-group',
  });
  const findings = stdout
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; state: string; detail: string });
  expect(findings.find(({ check }) => check === 'Kafka: topic')?.state).toBe('ok');
  expect(findings.find(({ check }) => check === 'Kafka: consumer group')).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining('DESCRIBE on consumer group "another-group"'),
  });
});

test('the password may be in a file', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'password-'));
  const file = path.join(dir, 'password');
  const lag = () =>
    runCli(['lag'], { ...envOf(), KAFKA_SASL_PASSWORD: '', KAFKA_SASL_PASSWORD_FILE: file });
  try {
    writeFileSync(file, 'wrong\n');
    expect((await lag()).stderr).toContain('KAFKA_LOGIN_REJECTED');
    writeFileSync(file, 'limited-password\n');
    expect((await lag()).stderr).not.toContain('KAFKA_LOGIN_REJECTED');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a wrong password is a rejected login', async () => {
  const { stderr } = await runCli(['lag'], { ...envOf(), KAFKA_SASL_PASSWORD: 'wrong' });
  expect(stderr).toContain('KAFKA_LOGIN_REJECTED');
  expect(stderr).toContain('KAFKA_SASL_PASSWORD');
});
