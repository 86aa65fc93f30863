import kafkajs, { type ConsumerGroupState, type MemberDescription } from 'kafkajs';
import { groupOf, type ConsumerGroup } from '../../src/kafka/group-members.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const userData = Buffer.alloc(0);

/** A member of a consumer group, encoded as kafkajs describes it. */
export const member = (
  memberId: string,
  topics: string[],
  assignment: Record<string, number[]>,
): MemberDescription => ({
  memberId,
  clientId: 'order-ingest',
  clientHost: '/10.0.0.7',
  memberMetadata: MemberMetadata.encode({ version: 0, topics, userData }),
  memberAssignment: MemberAssignment.encode({ version: 0, assignment, userData }),
});

export const group = (
  members: MemberDescription[],
  state: ConsumerGroupState = 'Stable',
): ConsumerGroup => groupOf({ members, state });
