import { once } from 'node:events';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import pg from 'pg';

/**
 * The obvious first version of a consumer: poll, parse, insert, commit. Its argument is `one-by-one`, or
 * `batched` for one statement and one commit per 500 messages. It logs and skips what is not JSON. When
 * Postgres rejects a row, kafkajs retries it forever. Ends on SIGTERM.
 */
const [mode] = process.argv.slice(2);
const {
  KAFKA_BROKERS: brokers = '',
  KAFKA_TOPIC: topic = '',
  KAFKA_GROUP_ID: groupId = '',
  DATABASE_URL: connectionString = '',
} = process.env;
const BATCH = 500;

interface Order {
  readonly order_id: string;
  readonly created_at: string;
  readonly customer_name: string;
  readonly total_price: number;
  readonly line_items: readonly {
    readonly product_id: string;
    readonly quantity: number;
    readonly unit_price: number;
  }[];
}

interface ReadOrder extends Order {
  readonly partition: number;
  readonly offset: string;
}

const INSERT = `
WITH inserted AS (
  INSERT INTO orders (
    order_id, created_at, customer_name, total_price,
    source_topic, source_partition, source_offset, fingerprint
  )
  SELECT order_id, created_at, customer_name, total_price, $1, source_partition, source_offset, ''
  FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::numeric[], $6::integer[], $7::bigint[])
    AS message (order_id, created_at, customer_name, total_price, source_partition, source_offset)
  ON CONFLICT (order_id) DO NOTHING
  RETURNING order_id
)
INSERT INTO order_line_items (order_id, line_number, product_id, quantity, unit_price)
SELECT item.*
FROM unnest($8::text[], $9::integer[], $10::text[], $11::bigint[], $12::numeric[])
  AS item (order_id, line_number, product_id, quantity, unit_price)
JOIN inserted USING (order_id)
ON CONFLICT DO NOTHING`;

const pool = new pg.Pool({ connectionString });
const consumer = new kafkajs.Kafka({
  brokers: brokers.split(','),
  logLevel: kafkajs.logLevel.NOTHING,
}).consumer({ groupId });

function read(partition: number, { offset, value }: KafkaMessage): ReadOrder[] {
  try {
    return [{ ...(JSON.parse(String(value)) as Order), partition, offset }];
  } catch (error) {
    console.error(`skipped ${topic}/${partition}/${offset}: ${String(error)}`);
    return [];
  }
}

async function insert(orders: readonly ReadOrder[]): Promise<void> {
  const items = orders.flatMap((order) =>
    order.line_items.map((item, index) => ({ ...item, of: order.order_id, line: index + 1 })),
  );
  await pool.query({
    name: 'insert',
    text: INSERT,
    values: [
      topic,
      orders.map(({ order_id }) => order_id),
      orders.map(({ created_at }) => created_at),
      orders.map(({ customer_name }) => customer_name),
      orders.map(({ total_price }) => total_price),
      orders.map(({ partition }) => partition),
      orders.map(({ offset }) => offset),
      items.map((item) => item.of),
      items.map(({ line }) => line),
      items.map(({ product_id }) => product_id),
      items.map(({ quantity }) => quantity),
      items.map(({ unit_price }) => unit_price),
    ],
  });
}

const commit = (partition: number, last: string) =>
  consumer.commitOffsets([{ topic, partition, offset: String(BigInt(last) + 1n) }]);

await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run(
  mode === 'batched'
    ? {
        autoCommit: false,
        eachBatchAutoResolve: false,
        async eachBatch(payload) {
          const { messages, partition } = payload.batch;
          for (let begin = 0; begin < messages.length && payload.isRunning(); begin += BATCH) {
            const some = messages.slice(begin, begin + BATCH);
            const last = some.at(-1)?.offset ?? '0';
            await insert(some.flatMap((message) => read(partition, message)));
            payload.resolveOffset(last);
            await commit(partition, last);
            await payload.heartbeat();
          }
        },
      }
    : {
        autoCommit: false,
        async eachMessage({ partition, message }) {
          await insert(read(partition, message));
          await commit(partition, message.offset);
        },
      },
);
console.log(0);
await once(process, 'SIGTERM');
await consumer.disconnect();
await pool.end();
