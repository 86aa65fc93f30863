/**
 * Builds the image, runs docker-compose.yml and breaks it: needs a container engine with Compose v2, such
 * as Docker. Everything it creates belongs to one project with a name of its own and is deleted at the end.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import {
  ComposeProject,
  docker,
  dockerOutput,
  inspectContainer,
  type Container,
} from './containers/engine.ts';
import { PROJECT_DIR } from './stack/places.ts';

const { build, memory, orders } = new Command('npm run test:containers --')
  .description('Builds the image, runs the whole system of docker-compose.yml, and breaks it.')
  .option('--no-build', 'use the image order-ingest:<version> as it is')
  .option('--memory <MiB>', 'memory limit of each container of the image', '256')
  .option('--orders <number>', 'how many orders to send in each test under load', '500')
  .helpCommand(false)
  .showHelpAfterError()
  .parse()
  .opts<{ build: boolean; memory: string; orders: string }>();

const { version, license } = JSON.parse(
  readFileSync(path.join(PROJECT_DIR, 'package.json'), 'utf8'),
) as { version: string; license: string };
const IMAGE = `order-ingest:${version}`;
const PROJECT = `order-ingest-test-${process.pid}`;
const NEXT_IMAGE = `${PROJECT}:next`;
/** What the image may add to its base. */
const MAX_OWN_BYTES = 106_000_000;
/** After so long, an engine kills a container by default. */
const MAX_STOP_MS = 10_000;
const MAX_WAIT_MS = 600_000;

const memoryBytes = Number(memory) * 1024 ** 2;
const project = new ComposeProject(PROJECT, memoryBytes);
let sent = 0;

const results = { passed: 0, failed: 0 };

async function check(promise: string, test: () => Promise<string | undefined>): Promise<boolean> {
  const start = performance.now();
  try {
    const seen = await test();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`✔ ${promise} (${seconds} s${seen === undefined ? '' : `; ${seen}`})`);
    results.passed += 1;
    return true;
  } catch (error) {
    console.log(`✘ ${promise}\n${error instanceof Error ? error.message : String(error)}`);
    results.failed += 1;
    return false;
  }
}

async function eventually<Result>(
  what: string,
  read: () => Promise<Result | undefined>,
): Promise<Result> {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const result = await read();
    if (result !== undefined) return result;
    assert(performance.now() < deadline, `not within ${MAX_WAIT_MS / 1000} s: ${what}`);
    await delay(100);
  }
}

interface Image {
  readonly Config: {
    readonly User: string;
    readonly Labels: Record<string, string>;
    readonly ExposedPorts: Record<string, unknown>;
    readonly Entrypoint: readonly string[];
  };
}

async function checkImage(): Promise<void> {
  await check('the image has a numeric user, labels and the ports of both programs', async () => {
    const [image] = JSON.parse(await dockerOutput(['image', 'inspect', IMAGE])) as Image[];
    assert(image);
    const { User, Labels, ExposedPorts, Entrypoint } = image.Config;
    assert.equal(User, '1000:1000');
    assert.equal(Labels['org.opencontainers.image.version'], version);
    assert.equal(Labels['org.opencontainers.image.licenses'], license);
    assert.deepEqual(Object.keys(ExposedPorts).sort(), ['9464/tcp', '9465/tcp']);
    assert.deepEqual(Entrypoint, ['tini', '-s', '--', 'order-ingest']);
    return undefined;
  });
  await check('the image adds little to its base', async () => {
    const history = await dockerOutput([
      ...['history', '--no-trunc', '--human=false', '--format', '{{.Size}} {{.CreatedBy}}', IMAGE],
    ]);
    const lines = history.split('\n');
    const base = lines.findIndex((line) => /apt-get install .* tini/.test(line));
    assert(base > 0);
    const bytes = lines.slice(0, base + 1).map((line) => Number(line.split(' ', 1)[0]));
    const own = bytes.reduce((sum, size) => sum + size, 0);
    assert(own > 0 && own < MAX_OWN_BYTES, `${own} bytes`);
    return `${Math.round(own / 1e6)} MB`;
  });
  await check('commands end with their exit codes, and write no file', async () => {
    for (const [args, exitCode] of [
      [['--version'], 0],
      [['no-such-command'], 2],
      [['bridge'], 1],
    ] as const) {
      const id = await dockerOutput(['create', '--network', 'none', IMAGE, ...args]);
      try {
        await dockerOutput(['start', id]);
        assert.equal(await dockerOutput(['wait', id]), String(exitCode), args.join(' '));
        assert.equal(await dockerOutput(['diff', id]), '', `${args.join(' ')} has written files`);
      } finally {
        await dockerOutput(['rm', '--force', id]);
      }
    }
    return undefined;
  });
  await check('SIGTERM at any time of the start ends a program at once', async () => {
    const server = await dockerOutput([
      ...['run', '--detach', '--network', 'none', '--entrypoint', 'node', IMAGE],
      ...['--eval', `net.createServer(() => {}).listen(${SILENT_PORT}, '127.0.0.1')`],
    ]);
    try {
      let count = 0;
      for (const command of ['bridge', 'worker']) {
        for (let afterMs = 0; afterMs <= 500; afterMs += 25) {
          await stopDuringStart(command, afterMs, server);
          count += 1;
        }
      }
      return `${count} times`;
    } finally {
      await dockerOutput(['rm', '--force', server]);
    }
  });
}

const SILENT_PORT = 1024;

/**
 * Sends SIGTERM to a program that has just started. All its servers are one that accepts connections and never
 * answers, in the network of the container `server`: the program does not end by itself in the meantime.
 */
async function stopDuringStart(command: string, afterMs: number, server: string): Promise<void> {
  const address = `127.0.0.1:${SILENT_PORT}`;
  const id = await dockerOutput([
    ...['create', '--network', `container:${server}`, '--read-only', '--init=false'],
    ...['--env', `KAFKA_BROKERS=${address}`, '--env', `TEMPORAL_ADDRESS=${address}`],
    ...['--env', `DATABASE_URL=postgres://user:password@${address}/orders`],
    ...['--env', 'DATABASE_CONNECT_TIMEOUT_MS=60000', IMAGE, command],
  ]);
  try {
    await dockerOutput(['start', id]);
    // The engine reports the start before it has executed process 1; until then a signal is lost.
    await eventually(`${command} is executed`, async () => {
      const { stdout } = await docker(['top', id, '-o', 'pid,comm']);
      return /\btini\b/.test(stdout) ? true : undefined;
    });
    await delay(afterMs);
    const start = performance.now();
    await dockerOutput(['kill', '--signal', 'SIGTERM', id]);
    const exitCode = await dockerOutput(['wait', id]);
    const ms = performance.now() - start;
    const where = `${command} after ${afterMs} ms`;
    assert(ms < MAX_STOP_MS, `${where}: took ${Math.round(ms)} ms`);
    assert.equal(exitCode, '143', where);
  } finally {
    await dockerOutput(['rm', '--force', id]);
  }
}

async function checkSystem(): Promise<void> {
  const isUp = await check('everything starts on empty volumes, without a restart', async () => {
    await project.output(['up', '--detach', '--no-build', '--wait']);
    for (const service of ['kafka', 'temporal', 'postgres', 'bridge', 'worker']) {
      const [container] = await project.containers(service);
      assert.equal(container?.State.Health?.Status, 'healthy', service);
      assert.equal(container.RestartCount, 0, service);
    }
    const [setup] = await project.containers('setup');
    assert.equal(setup?.State.Status, 'exited');
    assert.equal(setup.State.ExitCode, 0);
    return undefined;
  });
  if (!isUp) return;
  await check('the programs run read-only and within their memory limit', async () => {
    for (const service of ['bridge', 'worker']) {
      const [container] = await project.containers(service);
      assert.equal(container?.HostConfig.ReadonlyRootfs, true);
      assert.equal(container.HostConfig.Memory, memoryBytes);
    }
    return undefined;
  });
  await check('doctor finds no problem', async () => {
    const { exitCode, output } = await project.tools(['doctor']);
    assert.equal(exitCode, 0, output);
    return undefined;
  });
  await check('every message of a first sample is accounted for', async () => {
    await produce(20, 7);
    await accountedFor();
    return undefined;
  });
  await check('two bridges and three workers share the load, and survive crashes', async () => {
    await scale({ bridge: 2, worker: 3 });
    await produce(Number(orders));
    const bridge = (await project.containers('bridge'))[0];
    const worker = (await project.containers('worker'))[0];
    assert(bridge && worker);
    await Promise.all([crash(bridge), crash(worker)]);
    await produce(Number(orders));
    await Promise.all([bridge, worker].map(restarted));
    await accountedFor();
    return undefined;
  });
  await check(
    "no container has exceeded its memory limit, and Node's heap fits in it",
    async () => {
      for (const service of ['bridge', 'worker']) {
        for (const { Id, State } of await project.containers(service)) {
          assert.equal(State.OOMKilled, false, service);
          const heap = await dockerOutput([
            ...['exec', Id, 'node', '--print', 'v8.getHeapStatistics().heap_size_limit'],
          ]);
          assert(
            Number(heap) < 0.75 * memoryBytes,
            `${service}: the heap may grow to ${heap} bytes`,
          );
        }
      }
      const ids = [
        ...(await project.containers('bridge')),
        ...(await project.containers('worker')),
      ].map(({ Id }) => Id);
      const usage = await dockerOutput([
        ...['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', ...ids],
      ]);
      return usage
        .replaceAll(`${PROJECT}-`, '')
        .replaceAll(/ \/ \S+/g, '')
        .replaceAll('\n', ', ');
    },
  );
  await check('programs stop cleanly while orders arrive, and continue', async () => {
    const seen: string[] = [];
    for (const service of ['bridge', 'worker']) {
      const producing = produce(Number(orders));
      const start = performance.now();
      await project.output(['stop', service]);
      seen.push(`${service} ${((performance.now() - start) / 1000).toFixed(1)} s`);
      for (const { State } of await project.containers(service)) {
        assert.equal(State.ExitCode, 0, service);
      }
      await producing;
      await project.output(['start', service]);
    }
    await accountedFor();
    return seen.join(', ');
  });
  await check('programs that stop while they connect leave nothing behind', async () => {
    for (const service of ['bridge', 'worker']) {
      for (const afterMs of [300, 1000, 2000]) {
        await project.output(['stop', service]);
        await project.output(['start', service]);
        await delay(afterMs);
        await project.output(['stop', service]);
        for (const { State } of await project.containers(service)) {
          assert([0, 143].includes(State.ExitCode), `${service}: exit code ${State.ExitCode}`);
        }
      }
      await project.output(['start', service]);
    }
    await produce(20);
    await accountedFor();
    return undefined;
  });
  await check('a new tag replaces the containers while orders arrive', async () => {
    await dockerOutput(['tag', IMAGE, NEXT_IMAGE]);
    const producing = produce(Number(orders));
    const scaled = ['--scale', 'bridge=2', '--scale', 'worker=3'];
    await project.output(['up', '--detach', '--no-build', '--wait', ...scaled], {
      ORDER_INGEST_IMAGE: NEXT_IMAGE,
    });
    await producing;
    for (const service of ['bridge', 'worker']) {
      for (const { Config } of await project.containers(service)) {
        assert.equal(Config.Image, NEXT_IMAGE);
      }
    }
    await accountedFor();
    return undefined;
  });
  await check('a restart of all servers loses nothing', async () => {
    const producing = produce(Number(orders));
    await producing;
    await project.output(['restart', 'kafka', 'temporal', 'postgres']);
    await project.output(
      ['up', '--detach', '--no-build', '--wait', '--scale', 'bridge=2', '--scale', 'worker=3'],
      { ORDER_INGEST_IMAGE: NEXT_IMAGE },
    );
    await produce(20);
    await accountedFor();
    return `${sent} messages in total`;
  });
}

async function scale(counts: Record<'bridge' | 'worker', number>): Promise<void> {
  const scales = Object.entries(counts).flatMap(([service, count]) => [
    '--scale',
    `${service}=${count}`,
  ]);
  await project.output(['up', '--detach', '--no-build', '--wait', ...scales]);
}

async function produce(count: number, broken = 0): Promise<void> {
  const { exitCode, output } = await project.tools([
    ...['produce', '--sample', String(count), '--broken', String(broken)],
  ]);
  assert.equal(exitCode, 0, output);
  sent += count + broken;
}

interface Reconciliation {
  readonly totals: Record<string, number>;
}

/** Waits until every message that was sent has an outcome, none of which is missing. */
async function accountedFor(): Promise<void> {
  await eventually(`all ${sent} messages are accounted for`, async () => {
    const { exitCode, stdout, output } = await project.tools(['reconcile', '--json']);
    if (exitCode !== 0) return undefined;
    const { totals } = JSON.parse(stdout) as Reconciliation;
    assert(totals, output);
    assert.equal(totals['missing'], 0, output);
    return totals['messages'] === sent && totals['in-progress'] === 0 ? totals : undefined;
  });
}

/** Kills the program in a container, as a crash would. The restart policy ignores `docker kill`. */
async function crash({ Id }: Container): Promise<void> {
  const kill = 'read -r child _ </proc/1/task/1/children; kill -KILL "$child"';
  // May fail, because the container ends before the command does.
  await docker(['exec', Id, 'bash', '-c', kill]);
}

async function restarted({ Id }: Container): Promise<void> {
  await eventually(`${Id} is restarted and healthy`, async () => {
    const { RestartCount, State } = await inspectContainer(Id);
    return RestartCount > 0 && State.Health?.Status === 'healthy' ? true : undefined;
  });
}

async function deleteEverything(): Promise<void> {
  await project.output(['down', '--volumes', '--remove-orphans']);
  await docker(['image', 'rm', NEXT_IMAGE]);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not `once`: execa ends the process on a signal for which it finds no other listener.
  process.on(signal, () => {
    void deleteEverything().finally(() => process.exit(1));
  });
}
try {
  if (build) {
    await check('the image builds', async () => {
      await project.output(['build', 'setup']);
      return undefined;
    });
  }
  await checkImage();
  await checkSystem();
} finally {
  if (results.failed > 0) console.log((await project.run(['logs', '--tail', '40'])).output);
  await deleteEverything();
}
console.log(`\n${results.passed} passed, ${results.failed} failed`);
process.exitCode = results.failed === 0 ? 0 : 1;
