import { BridgeMetrics, reportedPartitions } from '../../../src/bridge/bridge-metrics.ts';
import { OutcomeCounts } from '../../../src/bridge/outcome-counts.ts';
import type { PartitionKey } from '../../../src/kafka/topic-partition.ts';
import { createHealth } from '../../../src/telemetry/health/health.ts';
import { metricValue } from '../../support/metrics.ts';

const partition = (topic: string, number: number, lag = 10n) => ({
  ...{ topic, partition: number, committed: 5n, end: 5n + lag, lag },
});

test('a bridge reports the lag of its own partitions and of those that no bridge reads', () => {
  const partitions = [0, 1, 2].map((number) => partition('orders', number));
  partitions.push(partition('returns', 0), partition('returns', 2));
  const reported = (own: Set<PartitionKey>, unread: Set<PartitionKey>) =>
    reportedPartitions({ partitions, unread }, own).map((one) => `${one.topic}/${one.partition}`);
  expect(reported(new Set(['orders/0']), new Set(['orders/2', 'returns/2']))).toEqual([
    'orders/0',
    'orders/2',
    'returns/2',
  ]);
  expect(reported(new Set(), new Set())).toEqual([]);
});

test('metrics per partition name the topic, so that two topics do not share a series', async () => {
  const metrics = new BridgeMetrics(createHealth().readiness);
  metrics.readFrom({
    pipeline: {
      breaker: { reason: () => undefined },
      backlogLimit: { isFull: false },
      startLimit: { current: 1, inUse: 0, decreases: 0 },
      counts: new OutcomeCounts(),
    } as never,
    group: () => ({
      partitions: [partition('orders', 0, 1n), partition('returns', 0, 2n)],
      unread: new Set<PartitionKey>(),
    }),
    ownPartitions: () => new Set<PartitionKey>(['orders/0', 'returns/0']),
    commitAgeMs: () => 0,
  });
  metrics.lost({ topic: 'returns', partition: 0 }, 3);
  metrics.lost({ topic: 'returns', partition: 0 }, 4);
  const text = await metrics.registry.metrics();
  const value = (name: string, topic: string) =>
    metricValue(text, `order_ingest_${name}{topic="${topic}",partition="0"}`);
  expect(value('consumer_lag_messages', 'orders')).toBe(1);
  expect(value('consumer_lag_messages', 'returns')).toBe(2);
  expect(value('committed_offset', 'returns')).toBe(5);
  expect(value('messages_lost_total', 'orders')).toBe(0);
  expect(value('messages_lost_total', 'returns')).toBe(7);
});
