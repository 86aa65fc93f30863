import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { asShellAssignments, isGiven, stackAddresses } from '../../../dev/stack/addresses.ts';
import { buildOnce } from '../../../dev/stack/build-once.ts';
import { servicesInContainers } from '../../../dev/stack/container-services.ts';
import { withLock } from '../../../dev/stack/lock.ts';
import type { StackPlaces } from '../../../dev/stack/places.ts';
import { identify, isAlive, stopProcess } from '../../../dev/stack/process-identity.ts';
import { SERVICE_NAMES, type Installed } from '../../../dev/stack/service.ts';
import { readState, writeState } from '../../../dev/stack/state.ts';
import { metricsPorts, portsOfHost, usualPorts } from '../../../dev/stack/temporal-cluster.ts';
import { TUNED } from '../../../dev/stack/temporal-tuning.ts';
import { isOlder } from '../../../dev/stack/tool.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'order-ingest-stack-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const places = (): StackPlaces => ({
  name: 'test',
  dir,
  logs: path.join(dir, 'logs'),
  stateFile: path.join(dir, 'state.json'),
  lockFile: path.join(dir, 'test.lock'),
});

/** A process that idles until it is stopped. */
async function idleProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const identity = await identify(child.pid ?? 0);
  if (!identity) throw new Error('the process has no identity');
  return { child, identity, exit: once(child, 'exit') };
}

describe('a process', () => {
  test('is stopped, and is then not alive', async () => {
    const { identity, exit } = await idleProcess();
    expect(await isAlive(identity)).toBe(true);
    await stopProcess(identity, 'SIGTERM', 5000);
    await exit;
    expect(await isAlive(identity)).toBe(false);
  });

  test('with the same PID but another start time is not stopped', async () => {
    const { child, identity, exit } = await idleProcess();
    const other = { ...identity, startedAt: 'another time' };
    expect(await isAlive(other)).toBe(false);
    await stopProcess(other, 'SIGTERM', 5000);
    expect(await isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await exit;
  });
});

describe('the lock of a stack', () => {
  test('lets one command run at a time', async () => {
    const log: string[] = [];
    const work = (name: string) =>
      withLock(places(), async () => {
        log.push(`${name} begins`);
        await new Promise(setImmediate);
        log.push(`${name} ends`);
      });
    await Promise.all([work('a'), work('b')]);
    expect(log).toHaveLength(4);
    expect(log[1]).toBe(log[0]?.replace('begins', 'ends'));
  });

  test.each([
    ['held by a process that has ended', JSON.stringify({ pid: 1_999_999_999, startedAt: '1' })],
    [
      'held by a process whose PID was reused',
      JSON.stringify({ pid: process.pid, startedAt: 'x' }),
    ],
    ['that was written incompletely', '{'],
  ])('is taken over if it is %s', async (_name, content) => {
    writeFileSync(places().lockFile, content);
    await expect(withLock(places(), () => Promise.resolve('done'))).resolves.toBe('done');
    expect(existsSync(places().lockFile)).toBe(false);
  });
});

describe('a script', () => {
  /** Runs code with the functions of dev/stack/script.ts. */
  function script(code: string) {
    const file = path.join(dir, 'script.mts');
    const project = path.join(import.meta.dirname, '../../..');
    const imports = ['script', 'stack-error'].map(
      (name) => `import * as ${name.replace('-e', 'E')} from '${project}/dev/stack/${name}.ts';`,
    );
    imports.push(`import { execa } from '${import.meta.resolve('execa')}';`);
    writeFileSync(file, [...imports, code].join('\n'));
    return execa(process.execPath, ['--import', 'tsx', file], {
      ...{ cwd: project, reject: false },
      forceKillAfterDelay: false,
    });
  }

  test('fails with the message of a StackError, without a stack trace', async () => {
    const { exitCode, stderr } = await script(
      'await script.runScript(() => { throw new stackError.StackError("no Helm"); });',
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'no Helm' });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('cleans up after %s', async (signal, code) => {
    const running = script(`await script.runInterruptibly(async (ending) => {
      try {
        console.log('started');
        await execa('sleep', ['60'], { cancelSignal: ending });
      } finally {
        await execa('true');
        console.log('cleaned up');
      }
    });`);
    running.stdout.once('data', () => running.kill(signal));
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: code,
      stdout: 'started\ncleaned up',
      stderr: '',
    });
  });
});

describe('buildOnce', () => {
  const silent = () => undefined;

  test('leaves a complete folder or none, and does not build twice', async () => {
    const target = path.join(dir, 'built');
    const broken = buildOnce(target, 'it', silent, (partial) => {
      writeFileSync(path.join(partial, 'half'), '');
      return Promise.reject(new Error('no network'));
    });
    await expect(broken).rejects.toThrow('no network');
    expect(readdirSync(dir)).toEqual([]);
    await buildOnce(target, 'it', silent, (partial) => {
      writeFileSync(path.join(partial, 'whole'), '');
      return Promise.resolve();
    });
    await buildOnce(target, 'it', silent, () => Promise.reject(new Error('built twice')));
    expect(readdirSync(target)).toEqual(['whole']);
  });
});

describe('the addresses of a stack', () => {
  const state = {
    ephemeral: false,
    services: {
      kafka: { source: 'process', ports: { broker: 1234, controller: 1235 } },
      postgres: { source: 'environment' },
    },
  } as const;

  test('are those of its processes, and those of the environment for the other services', () => {
    writeState(places(), state);
    const env = { DATABASE_URL: 'postgres://elsewhere/db' };
    expect(stackAddresses(readState(places()) ?? state, env)).toEqual({
      KAFKA_BROKERS: '127.0.0.1:1234',
      DATABASE_URL: 'postgres://elsewhere/db',
    });
  });

  test('do not count as given by the environment', () => {
    const given = (address: string) =>
      isGiven('kafka', { KAFKA_BROKERS: address }, state.services.kafka);
    expect(given('127.0.0.1:1234')).toBe(false);
    expect(given('kafka.example:9092')).toBe(true);
    expect(isGiven('kafka', {}, state.services.kafka)).toBe(false);
  });

  test('are exported by a shell that evaluates them', async () => {
    const given = { FIRST: `it's "$HOME" \\ \`x\`\nsecond line`, SECOND: '' };
    const print = `${process.execPath} -p 'JSON.stringify([process.env.FIRST, process.env.SECOND])'`;
    const { stdout } = await execa('sh', ['-c', `eval "$ADDRESSES"; ${print}`], {
      env: { ADDRESSES: asShellAssignments(given) },
    });
    expect(JSON.parse(stdout)).toEqual(Object.values(given));
  });
});

describe('on a machine with a container engine', () => {
  const machine = {
    hasContainerEngine: () => Promise.resolve(true),
    findOnPath: (): Promise<Installed | undefined> => Promise.resolve(undefined),
  };
  const stack = {
    ephemeral: false,
    temporal: { kind: 'dev', version: undefined },
    knownTemporal: undefined,
  } as const;

  test('the services of a stack run in containers, those of tests never', async () => {
    const inContainers = (ephemeral: boolean) =>
      servicesInContainers(SERVICE_NAMES, { ...stack, ephemeral }, machine);
    expect([...(await inContainers(false))]).toEqual([...SERVICE_NAMES]);
    expect([...(await inContainers(true))]).toEqual([]);
  });

  test.each([
    ['on Postgres', { kind: 'postgres', version: undefined }],
    ['of a given version', { kind: 'dev', version: '1.29.1' }],
  ] as const)('Temporal %s is a process', async (_name, temporal) => {
    const inContainers = await servicesInContainers(SERVICE_NAMES, { ...stack, temporal }, machine);
    expect([...inContainers]).toEqual(['kafka', 'postgres']);
  });

  test('a `temporal` on the PATH is preferred, unless the data are in a container', async () => {
    const withCli = {
      ...machine,
      findOnPath: () => Promise.resolve({ folder: '/usr/bin', origin: 'a test' }),
    };
    const inContainers = (source: 'container' | 'process') =>
      servicesInContainers(
        ['temporal'],
        { ...stack, knownTemporal: { source, ports: {} } },
        withCli,
      );
    expect([...(await inContainers('process'))]).toEqual([]);
    expect([...(await inContainers('container'))]).toEqual(['temporal']);
  });
});

describe('programs that run together', () => {
  const runTogether = (...programs: readonly string[]) =>
    execa(
      process.execPath,
      [
        ...['--import', 'tsx', 'dev/stack/run-together.ts', process.execPath],
        ...programs.map((program) => JSON.stringify(['-e', program])),
      ],
      { reject: false, forceKillAfterDelay: false },
    );
  /** Ends by itself, should nothing else end it. */
  const IDLE = 'setTimeout(() => {}, 120_000)';
  /** Writes a line once it will end with this signal, and again when it does. */
  const ENDS_BY_SIGNAL = `process.on('SIGTERM', () => { console.log('ended'); process.exit() }); console.log('ready'); ${IDLE}`;

  test('end together when one of them fails', async () => {
    const { exitCode } = await runTogether(IDLE, 'process.exit(3)', IDLE);
    expect(exitCode).toBe(1);
  });

  test('all get the signal that ends them', async () => {
    const running = runTogether(ENDS_BY_SIGNAL, ENDS_BY_SIGNAL);
    let output = '';
    running.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (output === 'ready\nready\n') running.kill('SIGTERM');
    });
    const { exitCode, stdout } = await running;
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'ready\nready\nended\nended' });
  });
});

describe('the ports of a Temporal server in several processes', () => {
  const tuning = { ...TUNED, hosts: { frontend: 1, history: 2, matching: 1, worker: 1 } } as const;

  test('are different for two processes of a service', () => {
    const ports = usualPorts(tuning);
    const [first, second] = ['history', 'history2'].map((name) => {
      const { history, historyMembership } = portsOfHost(ports, { name, service: 'history' });
      return [history, historyMembership];
    });
    expect(new Set([...(first ?? []), ...(second ?? [])]).size).toBe(4);
  });

  test('contain one for the metrics of each process only if there are metrics', () => {
    const withMetrics = { ...tuning, metrics: true };
    const ports = usualPorts(withMetrics);
    expect(new Set(metricsPorts(ports, withMetrics)).size).toBe(5);
    const { metrics } = portsOfHost(ports, { name: 'matching', service: 'matching' });
    expect(metrics).toBe(ports['matchingMetrics']);
    expect(Object.keys(usualPorts(tuning)).filter((name) => /metrics/i.test(name))).toEqual([]);
  });
});

test.each([
  ['17', '17', false],
  ['16', '17', true],
  ['1.25', '1.9', false],
  ['1.9', '1.25', true],
  ['1.29.0', '1.29.1', true],
  ['2', '1.29.1', false],
])('isOlder(%s, %s) is %s', (version, than, expected) => {
  expect(isOlder(version, than)).toBe(expected);
});
