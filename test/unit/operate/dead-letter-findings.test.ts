import { deadLetterFindings } from '../../../src/operate/doctor/check-kafka.ts';

const findings = (maxBytes: number, cleanupPolicy = 'delete') =>
  deadLetterFindings(
    { name: 'orders', maxBytes: 2_000_000 },
    { name: 'orders.dead-letter', maxBytes, cleanupPolicy },
  );

test('a dead-letter topic as setup makes it is fine', () => {
  expect(findings(2_065_536)).toMatchObject([{ state: 'ok' }]);
});

test('one that takes smaller messages than its source is a warning that says what to set', () => {
  expect(findings(1_114_124)).toMatchObject([
    {
      state: 'warning',
      detail: expect.stringMatching(/1114124.*2000000/),
      remedy: expect.stringContaining('--add-config max.message.bytes=2065536'),
    },
  ]);
});

test.each(['compact', 'compact,delete'])(
  'one with cleanup.policy=%s loses dead letters',
  (policy) => {
    expect(findings(2_065_536, policy)).toMatchObject([
      { state: 'failed', remedy: expect.stringContaining('cleanup.policy=delete') },
      { state: 'ok' },
    ]);
  },
);
