import { countRows } from '../harness/counts.ts';
import { orderText } from '../harness/orders.ts';
import { openSystem } from './open-system.ts';
import type { OpenRival, Rival } from './rival.ts';
import { startRivalProgram } from './run-program.ts';

export type Commits = 'each-message' | 'default' | 'batches';

/** A consumer of kafkajs and pg with a dead-letter topic. */
export const consumerLoop = (commits: Commits, name: string, count: number): Rival => ({
  name,
  count,
  hasServer: false,
  async open(): Promise<OpenRival> {
    const opened = await openSystem();
    const { topic, database, env } = opened;
    return {
      topic,
      database,
      table: 'orders',
      messageOf: orderText,
      groupId: topic.groupId,
      start: () => startRivalProgram('loop', 'consumer-loop.ts', { args: [commits], env }),
      taken: () => countRows(database, 'orders'),
      async kept() {
        const letters = await topic.deadLetters();
        return letters.map(({ reason, key }) => ({ as: 'dead letter', reason, id: key ?? '' }));
      },
      close: () => opened.close(),
    };
  },
});
