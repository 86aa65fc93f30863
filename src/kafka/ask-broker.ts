import type { Admin, Kafka } from 'kafkajs';

/** With a connection of its own, which therefore knows of partitions that have been added. */
export async function askBroker<Result>(
  kafka: Kafka,
  question: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await question(admin);
  } finally {
    await admin.disconnect();
  }
}
