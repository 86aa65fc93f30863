import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import kafkajs, { Kafka, logLevel } from 'kafkajs';
import { freePort } from '../../dev/stack/free-port.ts';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { QUICK_START } from '../../dev/stack/java.ts';
import { configureBroker, probeBroker } from '../../dev/stack/kafka.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';
import { createConsumerWithCluster } from '../../src/kafka/patches/consumer-cluster.ts';
import { eventually } from './eventually.ts';
import { kafkaLibraries } from './kafka-libraries.ts';
import { setUp } from './set-up.ts';
import { uniqueName } from './stack.ts';

export interface BrokerPair {
  readonly brokers: readonly string[];
  /** Kills the broker with this ID. The cluster survives without broker 2, but not without 1, the controller. */
  kill(id: number): Promise<void>;
  /** Restarts the broker with its address and data. */
  start(id: number): Promise<void>;
  /** The name of a new group whose coordinator is this broker. */
  groupOn(id: number): Promise<string>;
  remove(): Promise<void>;
}

/** The controller notices soon that a broker has died. Tests beside it may delay a heartbeat. */
export const SHORT_BROKER_SESSIONS = [
  'broker.session.timeout.ms=4000',
  'broker.heartbeat.interval.ms=500',
];

/**
 * Starts a cluster of two brokers, 1 and 2. Broker 1 is also the controller.
 *
 * @param properties lines for the server.properties of both
 */
export async function startBrokerPair(properties: readonly string[] = []): Promise<BrokerPair> {
  await kafkaLibraries();
  const [pair, remove] = await setUp(async (onUndo) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'broker-pair-'));
    onUndo(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const controllerPort = await freePort();
    const ports = new Map([
      [1, await freePort()],
      [2, await freePort()],
    ]);
    const running = new Map<number, ProcessIdentity>();
    const start = async (id: number) => {
      const brokerPort = ports.get(id) ?? 0;
      const nodeDir = path.join(dir, String(id));
      await startDaemon(
        `broker ${id}`,
        await configureBroker(nodeDir, {
          ...{ id, brokerPort, controllerPort, properties },
          javaOptions: QUICK_START,
        }),
        path.join(nodeDir, 'log'),
        () => probeBroker(brokerPort),
        (identity) => running.set(id, identity),
      );
    };
    const kill = async (id: number) => {
      const process = running.get(id);
      if (process) await stopProcess(process, 'SIGKILL', 5000);
      running.delete(id);
    };
    onUndo(() => Promise.all([...running.keys()].map(kill)));
    for (const id of ports.keys()) await start(id);
    const brokers = [...ports.values()].map((port) => `127.0.0.1:${port}`);
    return { brokers, kill, start, groupOn: (id: number) => groupOn(brokers, id) };
  });
  return { ...pair, remove };
}

async function groupOn(brokers: readonly string[], id: number): Promise<string> {
  const { cluster } = createConsumerWithCluster(
    new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }),
    { groupId: 'any', partitionAssigners: [kafkajs.PartitionAssigners.roundRobin] },
  );
  await cluster.connect();
  try {
    for (;;) {
      const groupId = uniqueName('group');
      // The first request makes the broker create the topic of the offsets.
      const { coordinator } = await eventually(async () => {
        await cluster.refreshMetadata();
        return cluster.findGroupCoordinatorMetadata({ groupId });
      });
      if (coordinator.nodeId === id) return groupId;
    }
  } finally {
    await cluster.disconnect();
  }
}
