import { createHealth } from '../../../../src/telemetry/health/health.ts';

test('a condition fails until it is cleared, with its latest reason', () => {
  const { readiness } = createHealth();
  expect(readiness.reasons()).toEqual({});
  readiness.fail('Temporal', 'refused');
  readiness.fail('Temporal', 'timed out');
  readiness.fail('log', 'messages lost');
  expect(readiness.reasons()).toEqual({ Temporal: 'timed out', log: 'messages lost' });
  readiness.clear('Temporal');
  expect(readiness.reasons()).toEqual({ log: 'messages lost' });
});

test('a check is evaluated each time the reasons are read', () => {
  const { readiness } = createHealth();
  let reason: string | undefined;
  readiness.check('Kafka', () => reason);
  expect(readiness.reasons()).toEqual({});
  reason = 'no heartbeat';
  expect(readiness.reasons()).toEqual({ Kafka: 'no heartbeat' });
  reason = undefined;
  expect(readiness.reasons()).toEqual({});
});

test('a check that throws fails its own condition and hides no other', () => {
  const { readiness } = createHealth();
  readiness.check('broken', () => {
    throw new Error('no value');
  });
  readiness.check('Kafka', () => 'no heartbeat');
  expect(readiness.reasons()).toEqual({
    broken: expect.stringContaining('no value'),
    Kafka: 'no heartbeat',
  });
});

test('a condition of readiness does not affect liveness', () => {
  const health = createHealth();
  health.readiness.fail('Temporal', 'refused');
  expect(health.liveness.reasons()).toEqual({});
  health.liveness.fail('consumer', 'silent');
  expect(health.liveness.reasons()).toEqual({ consumer: 'silent' });
  expect(health.readiness.reasons()).toEqual({ Temporal: 'refused' });
});
