import { readSettings, type Environment } from '../../config/read-settings.ts';
import { LAG_ROLE } from '../../config/roles.ts';
import { withLastingAdmin } from '../../kafka/admin.ts';
import { readLag, type TopicLag } from '../../kafka/lag.ts';
import { checkTopics } from '../../kafka/topics.ts';
import { duringFailover } from '../../kafka/while-starting.ts';

export interface GroupLag {
  readonly topic: string;
  readonly groupId: string;
  readonly read: () => Promise<TopicLag>;
  /** The same, repeated until the cluster has replaced a broker that has failed. */
  readonly readDuringFailover: () => Promise<TopicLag>;
}

/** Connects to Kafka and runs `work`. Throws an OperatorError when Kafka cannot be reached. */
export async function withGroupLag<Result>(
  env: Environment,
  work: (lag: GroupLag) => Promise<Result>,
): Promise<Result> {
  const { kafka, group } = readSettings(LAG_ROLE, env);
  const { topic } = kafka;
  const { groupId } = group;
  return withLastingAdmin(kafka, async (admin) => {
    await duringFailover(() => checkTopics(admin, kafka));
    const read = () => readLag(admin, groupId, topic);
    return work({ topic, groupId, read, readDuringFailover: () => duringFailover(read) });
  });
}
