import { rmSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { createTestDatabase } from '../support/database.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { connectTestTemporal } from '../support/temporal.ts';

const PROJECT = path.join(import.meta.dirname, '../..');

test('npm start -- --until-drained accounts for every message and ends', async () => {
  const database = await createTestDatabase({ empty: true });
  await (await connectTestTemporal()).connection.close();
  const name = uniqueName('start');
  const env = {
    KAFKA_BROKERS: stackAddress('KAFKA_BROKERS'),
    TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
    TEMPORAL_NAMESPACE: stackAddress('TEMPORAL_NAMESPACE'),
    DATABASE_URL: database.url,
    KAFKA_TOPIC: uniqueName('orders'),
    KAFKA_GROUP_ID: uniqueName('group'),
    TEMPORAL_TASK_QUEUE: uniqueName('queue'),
    WORKFLOW_ID_PREFIX: `${uniqueName('test')}:`,
    NODE_OPTIONS: '',
  };
  const args = ['--import', 'tsx', 'dev/start.ts', '--name', name, '--until-drained'];
  try {
    const { exitCode, stdout, stderr } = await execa(process.execPath, args, {
      cwd: PROJECT,
      env,
      reject: false,
    });
    const account = stdout.slice(stdout.indexOf('Every message is accounted for'));
    expect({
      exitCode,
      stderr: exitCode === 0 ? '' : stderr,
      lines: account
        .split('\n')
        .slice(1, 9)
        .map((line) => line.trim().replace(/ +/g, ' ')),
    }).toEqual({
      exitCode: 0,
      stderr: '',
      lines: [
        'messages read in this run 27',
        'started a workflow 21',
        'the same order again 1',
        expect.stringMatching(/^dead letters 5 (?=.*not-json 1)(?=.*conflicting-duplicate 1)/),
        'orders in Postgres 20',
        'workflows that failed 1 OrderInvalid 1',
        'workflows still running 0',
        'messages still on the topic 0',
      ],
    });
  } finally {
    rmSync(path.join(PROJECT, '.stack', name), { recursive: true, force: true });
    await database.drop();
  }
});
