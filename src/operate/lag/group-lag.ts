import { readSettings, type Environment } from '../../config/read-settings.ts';
import { LAG_ROLE } from '../../config/roles.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { readLag, type TopicLag } from '../../kafka/lag.ts';
import { checkTopics } from '../../kafka/topics.ts';

export interface GroupLag {
  readonly topic: string;
  readonly groupId: string;
  readonly read: () => Promise<TopicLag>;
}

/** Connects to Kafka and runs `work`. Throws an OperatorError when Kafka cannot be reached. */
export async function withGroupLag<Result>(
  env: Environment,
  work: (lag: GroupLag) => Promise<Result>,
): Promise<Result> {
  const { kafka, group } = readSettings(LAG_ROLE, env);
  const { topic } = kafka;
  const { groupId } = group;
  return withFailFastAdmin(kafka, async (admin) => {
    await checkTopics(admin, kafka);
    return work({ topic, groupId, read: () => readLag(admin, groupId, topic) });
  });
}
