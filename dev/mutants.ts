/** A way to break the code that a promise forbids, and the tests that have to notice. */
export interface Mutant {
  readonly name: string;
  readonly breaks: string;
  /** Each `from` stands once in its file. The result has to compile. */
  readonly changes: readonly {
    readonly file: string;
    readonly from: string;
    readonly to: string;
  }[];
  /** Arguments of `npm test --`. */
  readonly tests: readonly string[];
}

const BATCH_HANDLER = 'src/bridge/ingest-batch.ts';
const STARTER = 'src/bridge/workflow-starter.ts';
const COMMITTER = 'src/kafka/consumer/offset-committer.ts';
const CONSUMER = 'src/kafka/consumer/group-consumer.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'commit-before-start',
    breaks: 'a message counts as finished before its workflow is started',
    changes: [
      {
        file: BATCH_HANDLER,
        from: '      counts.read();\n',
        to: '      counts.read();\n      progress.finish(index);\n',
      },
    ],
    tests: ['test/fault/bridge-crashes', '-t', 'killed before it could'],
  },
  {
    name: 'commit-the-highest',
    breaks: 'the highest finished offset is committed, whatever lies before it',
    changes: [
      {
        file: 'src/bridge/partition-progress.ts',
        from: 'while (finished[prefix] === 1) prefix += 1;',
        to: 'prefix = Math.max(prefix, index + 1);',
      },
    ],
    tests: ['test/e2e/outages', '-t', 'dead-letter topic'],
  },
  {
    name: 'swallow-an-error',
    breaks: 'a start that failed counts as done',
    changes: [
      {
        file: STARTER,
        from: '      if (!isGrpcServiceError(error)) throw error;\n',
        to: "      const code = isGrpcServiceError(error) ? error.code : undefined;\n      if (code !== status.ALREADY_EXISTS) return { kind: 'duplicate' };\n      if (!isGrpcServiceError(error)) throw error;\n",
      },
    ],
    tests: ['test/fault/bridge-crashes', '-t', 'killed before it could'],
  },
  {
    name: 'dead-letter-without-waiting',
    breaks: 'a dead letter is not waited for before its message counts as finished',
    changes: [
      {
        file: 'src/bridge/ingest-message.ts',
        from: 'const omitted = await persistWithKafka(() => deadLetters.write(letter), signal);',
        to: 'const omitted = {};\n      void persistWithKafka(() => deadLetters.write(letter), signal).catch(() => undefined);',
      },
    ],
    tests: ['test/e2e/outages', '-t', 'dead-letter topic'],
  },
  {
    name: 'another-request-id',
    breaks: 'every attempt to start a workflow is another request',
    changes: [
      {
        file: 'src/contract/ids.ts',
        from: 'const id = [topic,',
        to: 'const id = [Math.random(), topic,',
      },
    ],
    tests: ['test/fault/bridge-crashes', '-t', 'killed after a start'],
  },
  {
    name: 'commit-unseen',
    breaks: 'the bridge commits without looking whether the offset is still the one it knows',
    changes: [
      { file: COMMITTER, from: 'this.#commitPending(true)', to: 'this.#commitPending(false)' },
    ],
    tests: ['test/fault/broker-trouble', '-t', 'made anew'],
  },
  {
    name: 'suspect-the-successor',
    breaks: "what a partition's next owner has committed counts as somebody else's meddling",
    changes: [
      {
        file: COMMITTER,
        from: 'if (isMember) onForeignOffset',
        to: 'if (isMember || true) onForeignOffset',
      },
    ],
    tests: ['test/integration/offset-committer', '-t', 'successor'],
  },
  {
    name: 'no-epochs',
    breaks: 'what a batch reports counts in later memberships too',
    changes: [
      {
        file: CONSUMER,
        from: '        if (membership.lost.aborted) return;\n        payload',
        to: '        payload',
      },
      { file: COMMITTER, from: 'this.#commitPending(true)', to: 'this.#commitPending(false)' },
    ],
    tests: ['test/fault/zombie-commit', '-t', 'the bridge commits nothing'],
  },
  {
    name: 'ignore-throttling',
    breaks: 'throttling does not lower the number of concurrent starts',
    changes: [
      {
        file: 'src/bridge/flow-control/adaptive-concurrency-limit.ts',
        from: 'this.#limit = Math.max(1, this.#limit / 2);',
        to: 'this.#limit = Math.max(1, this.#limit);',
      },
    ],
    tests: ['test/unit/bridge/flow-control/adaptive'],
  },
  {
    name: 'call-throttling-an-outage',
    breaks: 'a call that Temporal throttles counts as an outage',
    changes: [
      {
        file: 'src/telemetry/health/dependency-health.ts',
        from: 'if (this.#isThrottled(error)) return;',
        to: 'if (this.#isThrottled(error) && error === undefined) return;',
      },
    ],
    tests: ['test/unit/telemetry/health/dependency-health'],
  },
  {
    name: 'unready-at-one-failure',
    breaks: 'one call that fails among others that succeed makes a program unready',
    changes: [
      {
        file: 'src/telemetry/health/dependency-health.ts',
        from: 'const UNAVAILABLE_AFTER_MS = 5000;',
        to: 'const UNAVAILABLE_AFTER_MS = 50;',
      },
    ],
    tests: ['test/unit/telemetry/health/dependency-health'],
  },
  {
    name: 'query-for-any-id',
    breaks: 'an order ID is looked up by a query that cannot express it',
    changes: [
      {
        file: 'src/temporal/visibility-query.ts',
        from: '!INEXPRESSIBLE.test(text)',
        to: '!(text.length > 1000 && INEXPRESSIBLE.test(text))',
      },
    ],
    tests: ['test/integration/any-order-id'],
  },
  {
    name: 'request-id-of-any-length',
    breaks: "the request ID of a start grows with the topic's name",
    changes: [
      {
        file: 'src/contract/ids.ts',
        from: 'id.length > REQUEST_ID_MAX_CHARACTERS',
        to: 'id.length > 4 * REQUEST_ID_MAX_CHARACTERS',
      },
    ],
    tests: ['test/unit/contract/start-request-id'],
  },
  {
    name: 'accept-any-type',
    breaks: 'a search attribute of another type is taken for the right one',
    changes: [
      {
        file: 'src/temporal/search-attributes.ts',
        from: 'type === undefined || type === attribute.type',
        to: 'type === undefined || type !== attribute.name',
      },
    ],
    tests: ['test/integration/search-attributes'],
  },
  {
    name: 'store-twice',
    breaks: 'an order whose ID is taken is refused without a look at what is stored',
    changes: [
      {
        file: 'src/order/sql/postgres-order-store.ts',
        from: 'if (isOrderIdTaken(error)) return outcomeOfTakenId(pool, record);\n',
        to: 'if (isOrderIdTaken(error)) await outcomeOfTakenId(pool, record);\n',
      },
    ],
    tests: ['test/integration/order-store'],
  },
  {
    name: 'refuse-on-an-outage',
    breaks: 'an order fails for good when Postgres cannot be reached',
    changes: [
      {
        file: 'src/order/sql/postgres-order-store.ts',
        from: 'if (!isDatabaseError(error)) throw new Error(describeError(error));',
        to: "if (!isDatabaseError(error)) return { kind: 'rejected', reason: describeError(error) };",
      },
    ],
    tests: ['test/fault/links-and-servers', '-t', 'worker-postgres'],
  },
  {
    name: 'end-on-a-crash',
    breaks: 'what kafkajs ends a consumer for ends the bridge',
    changes: [
      {
        file: 'src/kafka/consumer/comeback.ts',
        from: 'const MAX_CRASHES = 6;',
        to: 'const MAX_CRASHES = 0;',
      },
    ],
    tests: ['test/fault/consumer-crash', '-t', 'takes it again'],
  },
  {
    name: 'see-the-aborted',
    breaks: 'which messages were aborted is left to kafkajs',
    changes: [
      {
        file: 'src/kafka/patches/aborted-transactions.ts',
        from: 'if (isMended) return;',
        to: 'if (!isMended) return;',
      },
    ],
    tests: ['test/e2e/poison', '-t', 'aborted'],
  },
  {
    name: 'lose-the-trace',
    breaks: 'the start does not carry the trace into the workflow',
    changes: [
      {
        file: STARTER,
        from: 'trace: activeTraceHeaders()',
        to: 'trace: activeTraceHeaders() && {}',
      },
    ],
    tests: ['test/e2e/tracing', '-t', 'are one trace'],
  },
  {
    name: 'forget-a-correction',
    breaks: 'why an order was corrected is not kept in its row',
    changes: [
      { file: 'src/order/sql/insert-order.ts', from: 'correction?.reason,', to: 'undefined,' },
    ],
    tests: ['test/e2e/orders', '-t', 'records who did it and why'],
  },
  {
    name: 'dead-letter-a-corrected-order',
    breaks: 'the corrected content, sent again, counts as a conflict',
    changes: [
      {
        file: 'src/temporal/order-workflow.ts',
        from: 'return [readPayload(memo?.[FINGERPRINT_MEMO]), corrected].filter(',
        to: 'return [readPayload(memo?.[FINGERPRINT_MEMO]), typeof corrected === "number"].filter(',
      },
    ],
    tests: ['test/e2e/orders', '-t', 'records who did it and why'],
  },
  {
    name: 'look-away-from-postgres',
    breaks: 'a worker is ready although Postgres does not answer',
    changes: [
      {
        file: 'src/telemetry/health/dependency-health.ts',
        from: 'if (!isStopped) health.callFailed(error);',
        to: 'if (isStopped) health.callFailed(error);',
      },
    ],
    tests: ['test/e2e/health-and-metrics', '-t', 'is not ready while Postgres'],
  },
  {
    name: 'print-what-cannot-be-read',
    breaks: 'bytes of a message stand in the log although the setting says none',
    changes: [
      {
        file: 'src/bridge/describe-value.ts',
        from: 'shownBytes > 0 ?',
        to: 'shownBytes >= 0 ?',
      },
      {
        file: 'src/bridge/describe-value.ts',
        from: 'value.subarray(0, shownBytes)',
        to: 'value.subarray(0, shownBytes || 9)',
      },
    ],
    tests: ['test/e2e/logs', '-t', 'none has a name'],
  },
  {
    name: 'rename-a-metric',
    breaks: 'the dashboard and the alerts ask for a metric that is not there',
    changes: [
      {
        file: 'src/worker/worker-metrics.ts',
        from: "'order_ingest_activity_attempts_total'",
        to: "'order_ingest_activity_tries_total'",
      },
    ],
    tests: ['test/e2e/dashboard-and-alerts'],
  },
  {
    name: 'call-a-dead-worker-alive',
    breaks: 'the doctor finds nothing wrong when nobody polls the task queue',
    changes: [
      {
        file: 'src/operate/doctor/check-temporal.ts',
        from: 'if (workers.pollers.length === 0)',
        to: 'if (workers.pollers.length < 0)',
      },
    ],
    tests: ['test/e2e/doctor-and-top', '-t', 'names what is missing'],
  },
  {
    name: 'leave-open-orders-unbounded',
    breaks: 'an outage of Postgres moves the backlog into Temporal',
    changes: [
      {
        file: 'src/bridge/flow-control/backlog-limit.ts',
        from: 'if (open + this.#fullWindow <= this.#maxOpen) {',
        to: 'if (open >= 0) {',
      },
    ],
    tests: ['test/unit/bridge/flow-control/backlog-limit'],
  },
  {
    name: 'trust-an-offset-alone',
    breaks: 'old dead letters vouch for the messages of a topic that was recreated',
    changes: [
      {
        file: 'src/operate/dead-letters/dead-letter-index.ts',
        from: '`${partition}/${offset}/${timestamp}/${content}`',
        to: '`${partition}/${offset}/${timestamp && content && 1}`',
      },
    ],
    tests: ['test/unit/operate/dead-letter-index'],
  },
  {
    name: 'compare-every-field',
    breaks: 'an order that is sent again with an added field is a conflict',
    changes: [
      {
        file: 'src/order/fingerprint.ts',
        from: 'if (order.success) return fingerprintOfOrder(toOrder(order.data));',
        to: "if (order.success && 'x' in Object(json)) return fingerprintOfOrder(toOrder(order.data));",
      },
    ],
    tests: ['test/unit/order/fingerprint'],
  },
  {
    name: 'leave-out-an-offline-partition',
    breaks: 'an account looks complete although a partition was left out',
    changes: [
      {
        file: 'src/operate/reconcile/choose-ranges.ts',
        from: 'if (left.length > 0) throw',
        to: 'if (left.length > 99) throw',
      },
    ],
    tests: ['test/unit/operate/choose-ranges'],
  },
  {
    name: 'insist-on-a-refused-letter',
    breaks: 'a dead letter that the broker refuses for good blocks all that follow',
    changes: [
      {
        file: 'src/bridge/dead-letter-writer.ts',
        from: 'if (!next) throw error;',
        to: 'if (!next || Date.now() > 0) throw error;',
      },
    ],
    tests: ['test/unit/bridge/dead-letter-writer'],
  },
  {
    name: 'forget-the-forgotten',
    breaks: 'an order that Temporal has forgotten is not looked for on the topic',
    changes: [
      {
        file: 'src/operate/replay/replay-forgotten.ts',
        from: 'if (!orders.isSettled) await search(ranges);',
        to: 'if (!orders.isSettled && places.size > 9) await search(ranges);',
      },
    ],
    tests: ['test/e2e/orders', '-t', 'has expired from Temporal'],
  },
];
