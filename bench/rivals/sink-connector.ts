import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { buildOnce } from '../../dev/stack/build-once.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { KAFKA_VERSION } from '../../dev/stack/kafka.ts';
import { downloadJars } from '../../dev/stack/maven.ts';
import { CACHE_DIR } from '../../dev/stack/places.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';
import { countRows } from '../harness/counts.ts';
import { orderText } from '../harness/orders.ts';
import { openSystem, type RivalSystem } from './open-system.ts';
import type { OpenRival, Rival, RunningRival } from './rival.ts';

/** Of 3.6.0, Maven Central lacks a dependency. */
const DEBEZIUM_VERSION = '3.5.0.Final';
const LIBRARIES = path.join(CACHE_DIR, `debezium-jdbc-${DEBEZIUM_VERSION}`);
/** The connector writes one row per message into one table; an array has to be a text. */
const TABLE = 'flat_orders';
const NAME = 'orders-sink';

/**
 * Debezium's JDBC sink in its own Kafka Connect worker: two tasks, upserts by order ID, and a dead-letter
 * topic for messages that cannot be read. Everything else has its default.
 */
export const sinkConnector: Rival = {
  name: "Debezium's JDBC sink",
  count: 150_000,
  hasServer: false,
  async open(): Promise<OpenRival> {
    await buildOnce(LIBRARIES, `Debezium ${DEBEZIUM_VERSION}`, console.error, (target, report) =>
      downloadJars(
        target,
        [
          `io.debezium:debezium-connector-jdbc:${DEBEZIUM_VERSION}`,
          `org.apache.kafka:connect-runtime:${KAFKA_VERSION}`,
          `org.apache.kafka:connect-json:${KAFKA_VERSION}`,
        ],
        report,
      ),
    );
    const system = await openSystem();
    const { topic, database } = system;
    await database.pool.query(
      `CREATE TABLE ${TABLE} (order_id text PRIMARY KEY, created_at text NOT NULL,
         customer_name text NOT NULL, total_price double precision NOT NULL, line_items text NOT NULL,
         ingested_at timestamptz NOT NULL DEFAULT now())`,
    );
    let port = 0;
    return {
      topic,
      database,
      table: TABLE,
      messageOf: messageWithSchema,
      groupId: `connect-${nameOf(system)}`,
      async start() {
        port = await freePort();
        return startConnect(system, port);
      },
      taken: () => countRows(database, TABLE),
      async kept() {
        const letters = await topic.deadLetters();
        // A task that replaces a failed one reads messages again and dead-letters them again.
        const byKey = new Map(letters.map((letter) => [letter.key, letter]));
        return [...byKey.values()].map(({ key, headers }) => ({
          as: 'dead letter',
          // The class that failed: the message of its exception does not say that it reads JSON.
          reason: `${String(headers['__connect.errors.class.name'])}: ${String(headers['__connect.errors.exception.message'])}`,
          id: key ?? '',
        }));
      },
      resume: {
        how: 'restart of the failed tasks, by the REST interface of Connect',
        run: () => restartFailedTasks(port, nameOf(system)),
      },
      close: () => system.close(),
    };
  },
};

async function startConnect(system: RivalSystem, port: number): Promise<RunningRival> {
  const dir = mkdtempSync(path.join(tmpdir(), 'connect-'));
  const [worker, connector] = ['worker', 'connector'].map((file) =>
    path.join(dir, `${file}.properties`),
  ) as [string, string];
  writeFileSync(worker, properties(workerSettings(system, dir, port)));
  writeFileSync(connector, properties(connectorSettings(system)));
  writeFileSync(path.join(dir, 'log4j2.properties'), 'rootLogger.level=ERROR\n');
  let process: ProcessIdentity | undefined;
  await startDaemon(
    'Kafka Connect',
    {
      command: 'java',
      args: [
        ...['-cp', path.join(LIBRARIES, '*'), '-Xms256m', '-Xmx1g'],
        `-Dlog4j2.configurationFile=${path.join(dir, 'log4j2.properties')}`,
        ...['org.apache.kafka.connect.cli.ConnectStandalone', worker, connector],
      ],
      cwd: dir,
    },
    path.join(dir, 'log'),
    () => probeConnector(port),
    (identity) => (process = identity),
  );
  return {
    pids: { connect: process?.pid ?? 0 },
    async end(signal) {
      if (process) await stopProcess(process, signal, 20_000);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const nameOf = ({ topic }: Pick<RivalSystem, 'topic'>) => `${NAME}-${topic.name}`;

const workerSettings = ({ env }: RivalSystem, dir: string, port: number) => ({
  'bootstrap.servers': env['KAFKA_BROKERS'] ?? '',
  listeners: `http://127.0.0.1:${port}`,
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'offset.storage.file.filename': path.join(dir, 'offsets'),
  'plugin.discovery': 'service_load',
  'plugin.path': LIBRARIES,
});

function connectorSettings(system: RivalSystem): Readonly<Record<string, string>> {
  const url = new URL(system.database.url);
  const { topic } = system;
  return {
    name: nameOf(system),
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '2',
    topics: topic.name,
    'connection.url': `jdbc:postgresql://${url.host}${url.pathname}?currentSchema=${system.database.schema}`,
    'connection.username': decodeURIComponent(url.username),
    'connection.password': decodeURIComponent(url.password),
    'collection.name.format': TABLE,
    'insert.mode': 'upsert',
    'primary.key.mode': 'record_value',
    'primary.key.fields': 'order_id',
    'schema.evolution': 'none',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': topic.deadLetterTopic,
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  };
}

const properties = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

/** Throws until the connector has tasks. */
async function probeConnector(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/connectors?expand=status`);
  const connectors = (await response.json()) as Record<
    string,
    { status: { tasks: readonly { state: string }[] } }
  >;
  const tasks = Object.values(connectors).flatMap(({ status }) => status.tasks);
  if (tasks.length === 0) throw new Error('the connector has no tasks yet');
}

/** https://kafka.apache.org/documentation/#connect_rest */
async function restartFailedTasks(port: number, connector: string): Promise<void> {
  const url = `http://127.0.0.1:${port}/connectors/${connector}/restart?includeTasks=true&onlyFailed=true`;
  const { ok, status } = await fetch(url, { method: 'POST' });
  if (!ok) throw new Error(`Kafka Connect answered ${status}`);
}

const field = (name: string, type: string) => ({ field: name, type, optional: false });

/** The connector needs a schema: here, one in every message. */
function messageWithSchema(orderId: string, changes: Readonly<Record<string, unknown>> = {}) {
  const order = { ...(JSON.parse(orderText(orderId)) as Record<string, unknown>), ...changes };
  return JSON.stringify({
    schema: {
      type: 'struct',
      name: 'order',
      optional: false,
      fields: [
        field('order_id', 'string'),
        field('created_at', 'string'),
        field('customer_name', 'string'),
        field('total_price', 'double'),
        field('line_items', 'string'),
      ],
    },
    payload: { ...order, line_items: JSON.stringify(order['line_items']) },
  });
}
