import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { DEAD_LETTER_REASONS } from '../../src/contract/dead-letter.ts';
import { FAILURE_TYPES } from '../../src/contract/failure-types.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** Checks that docs/runbook.md covers every alert and failure, and that its commands work. */
const PROJECT = path.join(import.meta.dirname, '../..');
const RUNBOOK = readFileSync(path.join(PROJECT, 'docs/runbook.md'), 'utf8');
const HEADINGS = [...RUNBOOK.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
const COMMANDS = [
  ...new Set(
    [...RUNBOOK.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block = '']) =>
      block.split('\n').filter(Boolean),
    ),
  ),
];

test('every alert has a section and links to it', () => {
  const { groups } = parse(
    readFileSync(path.join(PROJECT, 'deploy/prometheus/alerts.yml'), 'utf8'),
  ) as {
    groups: { rules: { alert: string; annotations: { runbook: string } }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(10);
  for (const { alert, annotations } of rules) {
    expect(HEADINGS).toContain(alert);
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  }
});

test('every failure type and every dead-letter reason has a section', () => {
  for (const type of Object.values(FAILURE_TYPES)) expect(HEADINGS).toContain(type);
  const reasons = HEADINGS.flatMap((heading) => heading.split(', '));
  for (const reason of DEAD_LETTER_REASONS) expect(reasons).toContain(reason);
});

describe('the commands in the runbook', () => {
  let system: TestSystem;
  let dir: string;
  let run: (command: string) => Promise<{ exitCode: number | undefined; output: string }>;

  beforeAll(async () => {
    system = await createTestSystem();
    dir = mkdtempSync(path.join(tmpdir(), 'runbook-'));
    symlinkSync(path.join(PROJECT, 'dist/cli/main.js'), path.join(dir, 'order-ingest'));
    // Makes the test independent of an installed curl.
    writeFileSync(
      path.join(dir, 'curl'),
      `#!${process.execPath}
const args = process.argv.slice(2);
const method = args.includes('POST') ? 'POST' : 'GET';
fetch(args.at(-1), { method }).then((answer) => answer.text()).then(console.log);\n`,
    );
    chmodSync(path.join(dir, 'curl'), 0o755);
    await prepare();
    const [bridge, worker] = await Promise.all([system.startBridge(), system.startWorker()]);
    const [bridgePort, workerPort] = await Promise.all(
      [bridge, worker].map(async (program) =>
        String((await program.logged('http_listening'))['port']),
      ),
    );
    run = async (command) => {
      const line = command
        .replace('localhost:9464', `127.0.0.1:${bridgePort ?? ''}`)
        .replace('localhost:9465', `127.0.0.1:${workerPort ?? ''}`)
        .replace('--from 1000 --to 2000', '--from 0 --to 6');
      const { exitCode, all } = await execa('sh', ['-c', line], {
        cwd: dir,
        env: {
          ...system.bridgeEnv,
          ...system.workerEnv,
          PATH: `${dir}:${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        },
        stdin: 'ignore',
        reject: false,
        all: true,
      });
      return { exitCode, output: all };
    };
    await system.allCommitted();
    await eventually(async () => {
      expect(await system.status('A-1001')).toBe('FAILED');
      expect(await system.status('A-1002')).toBe('FAILED');
      expect(await system.status('A-1003')).toBe('FAILED');
      const { raw } = await system.workflow('A-1004').describe();
      expect(raw.pendingActivities?.[0]?.attempt).toBeGreaterThan(1);
    });
  });
  afterAll(async () => {
    await system.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** One order per section: invalid, in conflict, rejected by Postgres, and being retried. */
  async function prepare(): Promise<void> {
    await system.database.pool.query(`
      INSERT INTO orders (order_id, created_at, customer_name, total_price, source_topic,
        source_partition, source_offset, fingerprint)
      VALUES ('A-1002', now(), 'Grace Hopper', 1, 'orders', 0, 7, 'another');
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.order_id = 'A-1003' THEN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END IF;
        IF NEW.order_id = 'A-1004' THEN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()`);
    const order = (id: string, changes = {}) => ({ key: id, value: orderText(id, changes) });
    await system.topic.send([
      { key: null, value: 'not JSON' },
      order('A-1001', { total_price: '-1' }),
      order('A-1001', { total_price: '-2' }),
      order('A-1002'),
      order('A-1003'),
      order('A-1004'),
    ]);
  }

  /** What the operator does before a command. */
  const BEFORE: Readonly<Record<string, () => Promise<unknown>>> = {
    'order-ingest orders correct A-1001 --payload A-1001.json --reason "negative price" --dry-run':
      () => {
        const file = path.join(dir, 'A-1001.json');
        const text = readFileSync(file, 'utf8');
        expect(text).toBe(`${orderText('A-1001', { total_price: '-1' })}\n`);
        writeFileSync(file, text.replace('"total_price": -1', '"total_price": 1'));
        return Promise.resolve();
      },
    'order-ingest orders rerun A-1003 --wait': () =>
      system.database.pool.query(
        "DELETE FROM orders WHERE order_id = 'A-1003'; ALTER TABLE orders DISABLE TRIGGER refuse",
      ),
  };
  /** Exits with 1, because nothing is fixed yet when it runs. */
  const FAILS_AGAIN = 'order-ingest orders rerun --failed --since 12h --yes --wait';

  test('work when they are run from top to bottom', async () => {
    expect(COMMANDS.length).toBeGreaterThan(30);
    const results: { command: string; exitCode: number | undefined; output: string }[] = [];
    for (const command of COMMANDS) {
      await BEFORE[command]?.();
      results.push({ command, ...(await run(command)) });
    }
    const unexpected = results.filter(
      ({ command, exitCode }) => exitCode !== (command === FAILS_AGAIN ? 1 : 0),
    );
    expect(unexpected).toEqual([]);
    expect(await system.status('A-1001')).toBe('COMPLETED');
    expect(await system.status('A-1003')).toBe('COMPLETED');
    const outputOf = (command: string) => results.find((one) => one.command === command)?.output;
    expect(outputOf('order-ingest orders list --status failed --since 12h')).toMatch(
      /A-1003 +failed.*OrderRejected.*23514/,
    );
    expect(outputOf('order-ingest orders list --status running --limit 10')).toMatch(
      /A-1004 +running.*storeOrder: .*53100/,
    );
    expect(outputOf('order-ingest orders list --status cancelled --since 12h')).toContain('A-1004');
    expect(outputOf('curl -s http://localhost:9464/readyz')).toContain('"ready"');
  });
});
