import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { createTestTopic, type TestTopic } from '../../test/support/kafka.ts';
import { stackAddress } from '../../test/support/stack.ts';

/** The partitions of every topic. */
export const PARTITIONS = 4;

/** A topic and a database for one measurement of one rival. */
export interface RivalSystem {
  readonly topic: TestTopic;
  readonly database: TestDatabase;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function openSystem(): Promise<RivalSystem> {
  const topic = await createTestTopic({ partitions: PARTITIONS });
  const database = await createTestDatabase();
  return {
    topic,
    database,
    env: {
      KAFKA_BROKERS: stackAddress('KAFKA_BROKERS'),
      KAFKA_TOPIC: topic.name,
      KAFKA_GROUP_ID: topic.groupId,
      DATABASE_URL: database.url,
    },
    async close() {
      await topic.close();
      await database.drop();
    },
  };
}
