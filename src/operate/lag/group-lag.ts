import { readSettings, type Environment } from '../../config/read-settings.ts';
import { LAG_ROLE } from '../../config/roles.ts';
import { withLastingAdmin } from '../../kafka/admin.ts';
import { readLag, type TopicLag } from '../../kafka/lag.ts';
import { chooseTopics } from '../../kafka/source-topics.ts';
import { existingTopics } from '../../kafka/topics.ts';
import { duringFailover } from '../../kafka/while-starting.ts';

/** The lag of each topic, in the order of `KAFKA_TOPIC`. */
export type LagByTopic = ReadonlyMap<string, TopicLag>;

export interface GroupLag {
  readonly groupId: string;
  /** The topics that do not exist, of several. */
  readonly missing: readonly string[];
  readonly read: () => Promise<LagByTopic>;
  /** The same, repeated until the cluster has replaced a broker that has failed. */
  readonly readDuringFailover: () => Promise<LagByTopic>;
}

/**
 * Connects to Kafka and runs `work`. Throws an OperatorError when Kafka cannot be reached, and when none of the
 * topics exists.
 *
 * @param topic only this one of `KAFKA_TOPIC`
 */
export async function withGroupLag<Result>(
  env: Environment,
  topic: string | undefined,
  work: (lag: GroupLag) => Promise<Result>,
): Promise<Result> {
  const { kafka, group } = readSettings(LAG_ROLE, env);
  const chosen = chooseTopics(kafka, topic);
  const { groupId } = group;
  return withLastingAdmin(kafka, async (admin) => {
    const existing = await duringFailover(() =>
      existingTopics(admin, { ...kafka, topics: chosen }),
    );
    const read = async () => {
      const lags = new Map<string, TopicLag>();
      for (const name of existing) lags.set(name, await readLag(admin, groupId, name));
      return lags;
    };
    return work({
      groupId,
      missing: chosen.filter((name) => !existing.includes(name)),
      read,
      readDuringFailover: () => duringFailover(read),
    });
  });
}
