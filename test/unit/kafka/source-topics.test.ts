import {
  chooseTopic,
  chooseTopics,
  deadLetterTopicOf,
  requeueMarksTopicOf,
} from '../../../src/kafka/source-topics.ts';

const ONE = { topics: ['orders'] };
const BOTH = { topics: ['orders-eu', 'orders-us'] };

function errorOf(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

test('the only topic needs no choice, and several do', () => {
  expect(chooseTopic(ONE, undefined)).toBe('orders');
  expect(chooseTopic(BOTH, 'orders-us')).toBe('orders-us');
  expect(errorOf(() => chooseTopic(BOTH, undefined))).toMatchObject({
    code: 'TOPIC_REQUIRED',
    message: expect.stringContaining('"orders-eu", "orders-us"'),
  });
});

test('all topics are meant without a choice, and no topic can be chosen that is not listed', () => {
  expect(chooseTopics(BOTH, undefined)).toEqual(BOTH.topics);
  expect(chooseTopics(BOTH, 'orders-eu')).toEqual(['orders-eu']);
  expect(errorOf(() => chooseTopics(BOTH, 'orders'))).toMatchObject({ code: 'TOPIC_UNKNOWN' });
});

test('each topic has its own dead-letter topic, unless one is set for all', () => {
  const own = BOTH.topics.map((topic) => deadLetterTopicOf({ deadLetterTopic: undefined }, topic));
  expect(own).toEqual(['orders-eu.dead-letter', 'orders-us.dead-letter']);
  expect(own.map(requeueMarksTopicOf)).toEqual([
    'orders-eu.dead-letter.replayed',
    'orders-us.dead-letter.replayed',
  ]);
  const shared = BOTH.topics.map((topic) => deadLetterTopicOf({ deadLetterTopic: 'bad' }, topic));
  expect(shared).toEqual(['bad', 'bad']);
});
