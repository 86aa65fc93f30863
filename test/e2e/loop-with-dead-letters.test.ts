import { consumerLoop } from '../../bench/rivals/consumer-loop.ts';
import { measureBadMessages } from '../../bench/rivals/measure.ts';

/** The short form of `npm run bench -- side-by-side`, with the system that needs no installation. */
test.each(['default', 'batches'] as const)(
  'the loop of the comparison (%s) stores all good orders, and keeps all bad messages on its dead-letter topic',
  async (commits) => {
    const result = await measureBadMessages(consumerLoop(commits, 'loop', 0), 20);
    expect(result).toEqual({
      goodOrders: 61,
      stuck: 0,
      ends: {
        conflict: 'dead letter',
        'not-json': 'dead letter',
        nul: 'dead letter',
        constraint: 'dead letter',
      },
      rerun: { how: expect.stringContaining('write the dead letter'), stored: true },
    });
  },
);
