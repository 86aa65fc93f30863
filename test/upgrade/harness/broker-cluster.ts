import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import kafkajs from 'kafkajs';
import { buildOnce } from '../../../dev/stack/build-once.ts';
import { startDaemon } from '../../../dev/stack/daemon.ts';
import { freePort } from '../../../dev/stack/free-port.ts';
import { QUICK_START } from '../../../dev/stack/java.ts';
import { configureBroker, KAFKA_LIBRARIES, probeBroker } from '../../../dev/stack/kafka.ts';
import { downloadJars } from '../../../dev/stack/maven.ts';
import { CACHE_DIR } from '../../../dev/stack/places.ts';
import { stopProcess, type ProcessIdentity } from '../../../dev/stack/process-identity.ts';
import { eventually } from '../../support/eventually.ts';
import { kafkaLibraries } from '../../support/kafka-libraries.ts';
import { allEnded, setUp, type OnUndo } from '../../support/set-up.ts';

/** Three nodes, each a broker and a controller; three replicas, of which two must be in sync. */
export interface BrokerCluster {
  readonly ids: readonly number[];
  readonly brokers: string;
  /** The node that is the active controller. */
  activeController(): Promise<number>;
  /** Stops a node with SIGTERM (a controlled shutdown) or SIGKILL. */
  stop(id: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts a node again, with the version given, and waits until every replica is in sync. */
  start(id: number, libraries?: string): Promise<void>;
  /** Runs one of Kafka's tools against the cluster. */
  tool(className: string, ...args: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

const IDS = [1, 2, 3];

/** Downloads the jars of another version of Kafka into the cache, and returns their folder. */
export async function librariesOf(version: string): Promise<string> {
  const folder = path.join(CACHE_DIR, `kafka-${version}`);
  const jars = [
    `org.apache.kafka:kafka_2.13:${version}`,
    `org.apache.kafka:kafka-tools:${version}`,
  ];
  await buildOnce(
    folder,
    `Kafka ${version}`,
    () => undefined,
    (target, show) => downloadJars(target, jars, show),
  );
  return folder;
}

export async function startBrokerCluster(): Promise<BrokerCluster> {
  await kafkaLibraries();
  const [cluster, remove] = await setUp(startNodes);
  return { ...cluster, remove };
}

async function startNodes(onUndo: OnUndo): Promise<Omit<BrokerCluster, 'remove'>> {
  const dir = mkdtempSync(path.join(tmpdir(), 'broker-cluster-'));
  onUndo(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const nodes = new Map<number, { readonly brokerPort: number; readonly controllerPort: number }>();
  for (const id of IDS) {
    nodes.set(id, { brokerPort: await freePort(), controllerPort: await freePort() });
  }
  const voters = [...nodes].map(([id, node]) => `${id}@127.0.0.1:${node.controllerPort}`).join(',');
  const brokers = [...nodes.values()].map(({ brokerPort }) => `127.0.0.1:${brokerPort}`).join(',');
  const running = new Map<number, ProcessIdentity>();
  onUndo(() => Promise.all([...running.values()].map((it) => stopProcess(it, 'SIGKILL', 5000))));
  const launch = async (id: number, libraries = KAFKA_LIBRARIES) => {
    const node = nodes.get(id);
    if (!node) throw new Error(`no node ${id}`);
    const spec = await configureBroker(path.join(dir, String(id)), {
      id,
      ...node,
      properties: [
        'process.roles=broker,controller',
        `listeners=PLAINTEXT://127.0.0.1:${node.brokerPort},CONTROLLER://127.0.0.1:${node.controllerPort}`,
        `controller.quorum.voters=${voters}`,
        ...['default.replication.factor=3', 'min.insync.replicas=2'],
        ...['offsets.topic.replication.factor=3', 'transaction.state.log.replication.factor=3'],
        'transaction.state.log.min.isr=2',
      ],
      javaOptions: QUICK_START,
    });
    const args = spec.args.map((arg) => arg.replace(KAFKA_LIBRARIES, libraries));
    await startDaemon(
      `node ${id}`,
      { ...spec, args },
      path.join(dir, String(id), 'log'),
      () => probeBroker(node.brokerPort),
      (identity) => running.set(id, identity),
    );
  };
  /** An older tool does not know the features of a newer version. */
  let toolLibraries = KAFKA_LIBRARIES;
  const tool = async (className: string, ...args: readonly string[]) => {
    const { stdout } = await execa('java', [
      ...['-cp', path.join(toolLibraries, '*'), className],
      ...['--bootstrap-server', brokers, ...args],
    ]);
    return stdout;
  };
  await allEnded(IDS.map((id) => launch(id)));
  return {
    ids: IDS,
    brokers,
    tool,
    async activeController() {
      const status = await tool(QUORUM_TOOL, 'describe', '--status');
      return Number(/LeaderId:\s+(\d+)/.exec(status)?.[1]);
    },
    async stop(id, signal) {
      const process = running.get(id);
      if (process) await stopProcess(process, signal, 60_000);
      running.delete(id);
    },
    async start(id, libraries = KAFKA_LIBRARIES) {
      await launch(id, libraries);
      toolLibraries = libraries;
      await allInSync(brokers);
    },
  };
}

const QUORUM_TOOL = 'org.apache.kafka.tools.MetadataQuorumCommand';

/** Two nodes down at once would leave partitions below `min.insync.replicas`. */
async function allInSync(brokers: string): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    await eventually(async () => {
      const { topics } = await admin.fetchTopicMetadata();
      const behind = topics.flatMap(({ partitions }) =>
        partitions.filter(({ isr, replicas }) => isr.length < replicas.length),
      );
      expect(behind).toEqual([]);
    });
  } finally {
    await admin.disconnect();
  }
}
