import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clearLockedPorts } from 'get-port';
import { freePort } from '../../../dev/stack/free-port.ts';
import { startDaemon } from '../../../dev/stack/daemon.ts';
import { QUICK_START } from '../../../dev/stack/java.ts';
import { configureBroker, probeBroker } from '../../../dev/stack/kafka.ts';
import { stackPlaces } from '../../../dev/stack/places.ts';
import { stopProcess, type ProcessIdentity } from '../../../dev/stack/process-identity.ts';
import type { TemporalKind } from '../../../dev/stack/service.ts';
import { quietly } from '../../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../../dev/stack/stack.ts';
import { readState } from '../../../dev/stack/state.ts';
import { kafkaLibraries } from '../../support/kafka-libraries.ts';
import { allEnded, setUp } from '../../support/set-up.ts';
import { uniqueName } from '../../support/stack.ts';
import { startToxiproxy, type Link } from './toxiproxy.ts';

export const SERVER_NAMES = ['kafka', 'temporal', 'postgres'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

export const LINK_NAMES = [
  'bridge-kafka',
  'bridge-temporal',
  'worker-temporal',
  'worker-postgres',
] as const;
export type LinkName = (typeof LINK_NAMES)[number];

/** Servers that a test may kill, and the links by which the programs reach them. */
export interface FaultServers {
  /** For the test itself: an address that bypasses the links. */
  readonly kafka: string;
  readonly temporal: string;
  readonly databaseUrl: string;
  readonly links: Readonly<Record<LinkName, Link>>;
  kill(server: ServerName): Promise<void>;
  /** Restarts the server with its address and data. Does nothing if it is running. */
  start(server: ServerName): Promise<void>;
  remove(): Promise<void>;
}

export async function startFaultServers(temporalKind: TemporalKind): Promise<FaultServers> {
  await kafkaLibraries();
  const [servers, remove] = await setUp(async (onUndo) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'faults-'));
    onUndo(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const toxiproxy = await startToxiproxy(path.join(dir, 'toxiproxy'));
    onUndo(() => toxiproxy.remove());
    const [brokerPort, controllerPort, proxiedPort, proxyPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const spec = await configureBroker(path.join(dir, 'kafka'), {
      id: 1,
      brokerPort,
      controllerPort,
      proxied: { port: proxiedPort, proxyPort },
      javaOptions: QUICK_START,
    });
    let broker: ProcessIdentity | undefined;
    const startBroker = async () => {
      if (broker) return;
      await startDaemon(
        'the broker',
        spec,
        path.join(dir, 'kafka', 'log'),
        () => probeBroker(brokerPort),
        (identity) => (broker = identity),
      );
    };
    const killBroker = async () => {
      if (broker) await stopProcess(broker, 'SIGKILL', 5000);
      broker = undefined;
    };
    const kafka = `127.0.0.1:${brokerPort}`;
    const name = uniqueName('faults');
    const env = { ...process.env, KAFKA_BROKERS: kafka, TEMPORAL_ADDRESS: '', DATABASE_URL: '' };
    const startOthers = () => {
      // get-port never returns a port twice within one process.
      clearLockedPorts();
      return startStack({ name, ephemeral: true, durable: true, temporalKind, env }, quietly);
    };
    onUndo(() => stopStack(name));
    onUndo(killBroker);
    const others = startOthers();
    await allEnded<unknown>([others, startBroker()]);
    const addresses = await others;
    const temporal = addresses['TEMPORAL_ADDRESS'] ?? '';
    const databaseUrl = addresses['DATABASE_URL'] ?? '';
    const postgres = new URL(databaseUrl).host;
    const links = {
      'bridge-kafka': await toxiproxy.link('bridge-kafka', `127.0.0.1:${proxiedPort}`, proxyPort),
      'bridge-temporal': await toxiproxy.link('bridge-temporal', temporal),
      'worker-temporal': await toxiproxy.link('worker-temporal', temporal),
      'worker-postgres': await toxiproxy.link('worker-postgres', postgres),
    };
    return {
      kafka,
      temporal,
      databaseUrl,
      links,
      async kill(server: ServerName) {
        if (server === 'kafka') {
          await killBroker();
          return;
        }
        const state = readState(stackPlaces(name))?.services[server];
        if (state?.source !== 'process' || !state.process) throw new Error(`no ${server} to kill`);
        await stopProcess(state.process, 'SIGKILL', 5000);
      },
      async start(server: ServerName) {
        if (server === 'kafka') await startBroker();
        else await startOthers();
      },
    };
  });
  return { ...servers, remove };
}
