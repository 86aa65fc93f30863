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
    DATABASE_CONNECT_TIMEOUT_MS: '10000',
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
    /** The lines of the summary at the end: the number, and its breakdown. */
    const summary = [...stdout.matchAll(/^ {2}.{30} *(\d+)(?: {3}(.*))?$/gm)].slice(-8);
    expect({
      exitCode,
      stderr: exitCode === 0 ? '' : stderr,
      summary: summary.map(([, number, breakdown]) => [Number(number), breakdown]),
    }).toEqual({
      exitCode: 0,
      stderr: '',
      summary: [
        [27, undefined],
        [21, undefined],
        [1, undefined],
        [5, expect.stringMatching(/^(?=.*not-json 1)(?=.*conflicting-duplicate 1)/)],
        [20, undefined],
        [1, 'OrderInvalid 1'],
        [0, undefined],
        [0, undefined],
      ],
    });
  } finally {
    rmSync(path.join(PROJECT, '.stack', name), { recursive: true, force: true });
    await database.drop();
  }
});
