import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { execa } from 'execa';
import { disableIdlePolling } from '../../src/kafka/patches/idle-connections.ts';
import { downloadFile, downloadText, hashOf, untar } from './download.ts';
import { JAVA, QUICK_START } from './java.ts';
import { downloadJars, MAVEN } from './maven.ts';
import type { DaemonSpec } from './daemon.ts';
import { CACHE_DIR } from './places.ts';
import { port, type Installed, type LocalService, type Progress } from './service.ts';
import { checkSources, install, type Source } from './sources.ts';
import { allOrStackError, StackError } from './stack-error.ts';
import { checkTool, requireTool } from './tool.ts';

/** A Kafka broker in KRaft mode. */
export const kafka: LocalService = {
  name: 'kafka',
  title: 'Kafka',
  usualPorts: { broker: 9092, controller: 9093 },
  stopSignal: 'SIGTERM',

  async check() {
    await allOrStackError([
      requireTool(JAVA, BROKER, OTHER_WAYS),
      checkSources(BROKER, SOURCES, OTHER_WAYS),
    ]);
  },

  prepare: installKafka,

  configure: ({ places }, ports) =>
    configureBroker(path.join(places.dir, 'kafka'), {
      id: 1,
      brokerPort: port(ports, 'broker'),
      controllerPort: port(ports, 'controller'),
    }),

  probe: (ports) => probeBroker(port(ports, 'broker')),

  deleteData: () => Promise.resolve(),
};

/** Downloads the broker's jars into `KAFKA_LIBRARIES` unless they are there. */
export function installKafka(progress: Progress): Promise<Installed> {
  return install(BROKER, SOURCES, OTHER_WAYS, progress);
}

/** A node of a cluster. Node 1 is also the controller. */
export interface BrokerNode {
  readonly id: number;
  readonly brokerPort: number;
  /** The port of the controller, node 1. */
  readonly controllerPort: number;
  /** A second listener that is advertised with the port of a proxy. */
  readonly proxied?: { readonly port: number; readonly proxyPort: number };
  /** Lines for server.properties; they override the ones of every node. */
  readonly properties?: readonly string[];
  /** Users that exist from the first start, in the form of StorageTool's `--add-scram`. */
  readonly scramUsers?: readonly string[];
  readonly javaOptions?: readonly string[];
}

/** Creates the node's folder if there is none, and returns how to run the node. */
export async function configureBroker(dir: string, node: BrokerNode): Promise<DaemonSpec> {
  const properties = path.join(dir, 'server.properties');
  mkdirSync(dir, { recursive: true });
  writeFileSync(properties, serverProperties(path.join(dir, 'data'), node));
  writeFileSync(path.join(dir, 'log4j2.properties'), LOGGING);
  if (!existsSync(path.join(dir, 'data', 'meta.properties'))) {
    await runKafkaTool(dir, 'kafka.tools.StorageTool', [
      'format',
      '--ignore-formatted',
      '--cluster-id',
      CLUSTER_ID,
      '--config',
      properties,
      ...(node.scramUsers ?? []).flatMap((user) => ['--add-scram', user]),
    ]);
  }
  return {
    command: 'java',
    args: [
      ...javaArgs(dir),
      '-Xms256m',
      '-Xmx1g',
      ...(node.javaOptions ?? []),
      'kafka.Kafka',
      properties,
    ],
    cwd: dir,
  };
}

/** Throws until the broker answers. */
export async function probeBroker(brokerPort: number): Promise<void> {
  disableIdlePolling();
  const admin = new Kafka({
    brokers: [`127.0.0.1:${brokerPort}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 10_000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } finally {
    await admin.disconnect();
  }
}

export const KAFKA_VERSION = '4.1.1';
const JARS = [
  `org.apache.kafka:kafka_2.13:${KAFKA_VERSION}`,
  `org.apache.kafka:kafka-tools:${KAFKA_VERSION}`,
];
/** The jars of the broker and its command-line tools. */
export const KAFKA_LIBRARIES = path.join(CACHE_DIR, `kafka-${KAFKA_VERSION}`);
const CLUSTER_ID = 'b3JkZXItaW5nZXN0LWRldg';

const BROKER = 'A Kafka broker';
const OTHER_WAYS = [
  'a running broker: set KAFKA_BROKERS',
  'a container engine with Compose, such as Docker (not for tests and benchmarks)',
];

const mavenCentral: Source = {
  name: `Kafka ${KAFKA_VERSION} from Maven`,
  howTo: `Maven: ${MAVEN.install}`,
  folder: KAFKA_LIBRARIES,
  check: () => checkTool(MAVEN),
  async fetch(folder, report, signal) {
    await downloadJars(folder, JARS, report, signal);
    checkBroker(folder);
  },
};

/** Twice as large as the packages of Maven, because it contains Connect, Streams and the documentation. */
function apacheTarball(): Source {
  const tarball = `kafka_2.13-${KAFKA_VERSION}.tgz`;
  // The mirrors only have the latest releases.
  const mirror = `https://dlcdn.apache.org/kafka/${KAFKA_VERSION}/${tarball}`;
  const archive = `https://archive.apache.org/dist/kafka/${KAFKA_VERSION}/${tarball}`;
  let answer: Promise<string> | undefined;
  const sha512 = async () =>
    parseSha512(await (answer ??= downloadText(`${archive}.sha512`)), tarball);
  return {
    name: `Kafka ${KAFKA_VERSION} from apache.org`,
    howTo: 'access to https://archive.apache.org',
    folder: KAFKA_LIBRARIES,
    async check() {
      await sha512();
    },
    async fetch(folder, report, signal) {
      const file = path.join(folder, tarball);
      await downloadFile(mirror, file, report, signal).catch(() =>
        downloadFile(archive, file, report, signal),
      );
      if ((await hashOf(file, 'sha512')) !== (await sha512())) {
        throw new StackError(`${tarball} does not have the SHA-512 of ${archive}.sha512`);
      }
      await untar(file, folder, [`kafka_2.13-${KAFKA_VERSION}/libs`], 2);
      rmSync(file);
      checkBroker(folder);
    },
  };
}

/** The hash in `kafka.tgz: 65C09FBE 8C78098B …` over several lines, or in `65c09fbe…  kafka.tgz`. */
export function parseSha512(text: string, file: string): string {
  const hash = text.replace(file, '').replaceAll(/[:\s]/g, '').toLowerCase();
  if (!/^[0-9a-f]{128}$/.test(hash)) throw new StackError(`the SHA-512 of ${file} is unreadable`);
  return hash;
}

const SOURCES: readonly Source[] = [mavenCentral, apacheTarball()];

function checkBroker(folder: string): void {
  const jar = `kafka_2.13-${KAFKA_VERSION}.jar`;
  if (!existsSync(path.join(folder, jar))) throw new StackError(`${jar} is missing`);
}

const javaArgs = (dir: string) => [
  '-cp',
  path.join(KAFKA_LIBRARIES, '*'),
  `-Dlog4j2.configurationFile=${path.join(dir, 'log4j2.properties')}`,
];

/** Runs one of Kafka's own tools. Throws a StackError with its output if it fails. */
export async function runKafkaTool(
  dir: string,
  main: string,
  args: readonly string[],
): Promise<void> {
  const result = await execa('java', [...QUICK_START, ...javaArgs(dir), main, ...args], {
    reject: false,
    all: true,
  });
  if (result.failed) throw new StackError(`${main} failed:\n${result.all}`);
}

/** Topics are not created automatically, so that a misspelt name is an error. */
function serverProperties(dataDir: string, node: BrokerNode): string {
  const { id, brokerPort, controllerPort, proxied } = node;
  const direct = `PLAINTEXT://127.0.0.1:${brokerPort}`;
  const broker = proxied ? `${direct},PROXIED://127.0.0.1:${proxied.port}` : direct;
  const advertised = proxied ? `${direct},PROXIED://127.0.0.1:${proxied.proxyPort}` : direct;
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`;
  return `process.roles=${id === 1 ? 'broker,controller' : 'broker'}
node.id=${id}
listeners=${id === 1 ? `${broker},${controller}` : broker}
advertised.listeners=${advertised}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${dataDir}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
${(node.properties ?? []).join('\n')}
`;
}

const LOGGING = `appenders=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c{1})%n
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
`;
