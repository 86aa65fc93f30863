/** A change that breaks a guarantee, and the tests that have to fail with it. */
export interface Mutant {
  readonly name: string;
  readonly breaks: string;
  /** Each `from` occurs exactly once in its file. The changed code has to compile. */
  readonly changes: readonly {
    readonly file: string;
    readonly from: string;
    readonly to: string;
  }[];
  /** Arguments of `npm test --`. */
  readonly tests: readonly string[];
}

const PIPELINE = 'src/bridge/pipeline.ts';
const STARTER = 'src/bridge/workflow-starter.ts';
const COMMITTER = 'src/kafka/consumer/offset-committer.ts';
const ASSIGNMENT = 'src/kafka/consumer/assignment.ts';

/** The group's offset at the broker is ignored. */
const COMMIT_UNCHECKED = {
  file: COMMITTER,
  from: 'if (different.length > 0) {',
  to: 'if (different.length > 0 && (false as boolean)) {',
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'commit-before-start',
    breaks: 'a message counts as finished before its workflow has been started',
    changes: [
      {
        file: PIPELINE,
        from: '      this.counts.begin();\n',
        to: '      this.counts.begin();\n      progress.finish(index);\n',
      },
    ],
    tests: ['test/fault/bridge-crashes', '-t', 'killed before it could'],
  },
  {
    name: 'commit-the-highest',
    breaks: 'the highest finished offset is committed even if earlier messages are not finished',
    changes: [
      {
        file: 'src/bridge/batch-progress.ts',
        from: 'while (this.#finished[this.#prefix] === 1) this.#prefix += 1;',
        to: 'this.#prefix = Math.max(this.#prefix, index + 1);',
      },
    ],
    tests: ['test/e2e/outages', '-t', 'dead-letter topic'],
  },
  {
    name: 'swallow-an-error',
    breaks: 'a failed start counts as done',
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
    breaks: 'a message counts as finished before the broker has acknowledged its dead letter',
    changes: [
      {
        file: PIPELINE,
        from: 'const omitted = await this.#retryDeadLetters(() => deadLetters.write(letter), signal);',
        to: 'const omitted = {};\n    void this.#retryDeadLetters(() => deadLetters.write(letter), signal).catch(() => undefined);',
      },
    ],
    tests: ['test/e2e/outages', '-t', 'dead-letter topic'],
  },
  {
    name: 'another-request-id',
    breaks: 'every attempt to start a workflow has its own request ID',
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
    name: 'commit-unchecked',
    breaks:
      'the bridge commits without checking that the committed offset is still the one it knows',
    changes: [COMMIT_UNCHECKED],
    tests: ['test/fault/broker-trouble', '-t', 'recreated'],
  },
  {
    name: 'distrust-the-next-owner',
    breaks: 'a commit by the next owner of a partition counts as a commit from outside the group',
    changes: [
      {
        file: COMMITTER,
        from: 'if (!isMember) return',
        to: 'if (!isMember && (false as boolean)) return',
      },
    ],
    tests: ['test/integration/offset-committer', '-t', 'successor'],
  },
  {
    name: 'ignore-generations',
    breaks: 'a batch of an earlier generation can still commit',
    changes: [
      {
        file: ASSIGNMENT,
        from: 'return generation === this.#generation;',
        to: 'return generation <= this.#generation;',
      },
      {
        file: ASSIGNMENT,
        from: '      partitions.map((one) => {',
        to: '      [...this.all(), ...partitions].map((one) => {',
      },
      {
        file: ASSIGNMENT,
        from: 'return [key, new Partition(',
        to: 'return [key, this.#partitions.get(key) ?? new Partition(',
      },
      COMMIT_UNCHECKED,
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
    breaks: 'one failed call among successful ones makes a program unready',
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
    breaks: 'an order ID is looked up by a visibility query that cannot express it',
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
    breaks: "the length of a start's request ID is not limited",
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
    breaks: 'a search attribute of the wrong type is accepted',
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
    breaks: 'an order whose ID is taken is not compared with the stored order',
    changes: [
      {
        file: 'src/order-kit/order-tables.ts',
        from: 'if (!isUniqueViolation(error)) throw error;',
        to: "if (!isUniqueViolation(error)) throw error;\n      return { kind: 'stored' };",
      },
    ],
    tests: ['test/integration/order-store'],
  },
  {
    name: 'refuse-on-an-outage',
    breaks: 'an order fails permanently when Postgres cannot be reached',
    changes: [
      {
        file: 'src/worker/order-store.ts',
        from: 'if (!isDatabaseError(error)) throw new Error(describeError(error));',
        to: "if (!isDatabaseError(error)) return { kind: 'rejected', reason: describeError(error) };",
      },
    ],
    tests: ['test/fault/links-and-servers', '--long', '-t', 'worker-postgres'],
  },
  {
    name: 'exit-on-a-crash',
    breaks: 'a crash of the kafkajs consumer ends the bridge',
    changes: [
      {
        file: 'src/kafka/consumer/consumer-restarts.ts',
        from: 'const MAX_CRASHES = 6;',
        to: 'const MAX_CRASHES = 0;',
      },
    ],
    tests: ['test/fault/consumer-crash', '--long', '-t', 'accepts it again'],
  },
  {
    name: 'read-aborted-messages',
    breaks: 'aborted transactions are filtered by kafkajs alone',
    changes: [
      {
        file: 'src/kafka/patches/aborted-transactions.ts',
        from: 'if (isPatched) return;',
        to: 'if (!isPatched) return;',
      },
    ],
    tests: ['test/e2e/poison', '-t', 'aborted'],
  },
  {
    name: 'lose-the-trace',
    breaks: 'the start does not pass the trace on to the workflow',
    changes: [
      {
        file: STARTER,
        from: 'trace: activeTraceHeaders()',
        to: 'trace: activeTraceHeaders() && {}',
      },
    ],
    tests: ['test/e2e/tracing', '-t', 'form one trace'],
  },
  {
    name: 'forget-a-correction',
    breaks: 'the reason for a correction is not stored with the order',
    changes: [
      {
        file: 'src/order-kit/order-tables.ts',
        from: 'correction?.at, correction?.reason]',
        to: 'correction?.at, undefined]',
      },
    ],
    tests: ['test/e2e/orders', '-t', 'records who did it and why'],
  },
  {
    name: 'dead-letter-a-corrected-order',
    breaks: 'the corrected order, sent again, counts as a conflict',
    changes: [
      {
        file: 'src/temporal/order-workflow.ts',
        from: 'return [await decodedValue(client, memo?.[FINGERPRINT_MEMO]), corrected].filter(',
        to: 'return [await decodedValue(client, memo?.[FINGERPRINT_MEMO]), typeof corrected === "number"].filter(',
      },
    ],
    tests: ['test/e2e/orders', '-t', 'records who did it and why'],
  },
  {
    name: 'ready-without-postgres',
    breaks: 'a worker is ready although Postgres is down',
    changes: [
      {
        file: 'src/telemetry/health/dependency-health.ts',
        from: 'if (!isStopped) health.callFailed(error);',
        to: 'if (isStopped) health.callFailed(error);',
      },
    ],
    tests: ['test/e2e/health-and-metrics', '-t', 'not ready while Postgres'],
  },
  {
    name: 'log-undecodable-bytes',
    breaks: 'bytes of a message are logged although the setting forbids it',
    changes: [
      {
        file: 'src/bridge/order-identifier.ts',
        from: 'shownBytes > 0 ?',
        to: 'shownBytes >= 0 ?',
      },
      {
        file: 'src/bridge/order-identifier.ts',
        from: 'value.subarray(0, shownBytes)',
        to: 'value.subarray(0, shownBytes || 9)',
      },
    ],
    tests: ['test/e2e/logs', '-t', 'no personal data'],
  },
  {
    name: 'rename-a-metric',
    breaks: 'the dashboard and the alerts use a metric that does not exist',
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
    name: 'overlook-a-missing-worker',
    breaks: 'the doctor reports no problem when no worker polls the task queue',
    changes: [
      {
        file: 'src/temporal/queue-workers.ts',
        from: 'if (pollers.length > 0) return routingProblem(workers, taskQueue);',
        to: 'return routingProblem(workers, taskQueue);',
      },
    ],
    tests: ['test/e2e/doctor-and-top', '-t', 'names what is missing'],
  },
  {
    name: 'count-less-urgent-orders-as-closed',
    breaks: 'while urgent orders are stored, any number of less urgent ones is opened in Temporal',
    changes: [
      {
        file: 'src/bridge/flow-control/backlog-limit.ts',
        from: 'other.number > number || other.priority > priority',
        to: 'other.number > number',
      },
    ],
    tests: ['test/unit/bridge/flow-control/backlog-limit'],
  },
  {
    name: 'trust-fairness-keys',
    breaks: 'an order with a long fairness key becomes a dead letter',
    changes: [
      {
        file: 'src/order-module/start-preferences.ts',
        from: 'if (isUsable && Buffer.byteLength(value) <= FAIRNESS_KEY_MAX_BYTES) return { value };',
        to: 'if (isUsable) return { value };',
      },
    ],
    tests: ['test/unit/order-module/start-preferences'],
  },
  {
    name: 'leave-open-orders-unbounded',
    breaks: 'an outage of Postgres moves the whole backlog into Temporal',
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
    breaks: 'dead letters of a deleted topic account for messages of its successor',
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
    breaks: 'an order that is sent again with an additional field is a conflict',
    changes: [
      {
        file: 'src/order-kit/define-order.ts',
        from: 'isList(values) ? values : [values]',
        to: 'isList(values) ? [...values, ...Object.keys(message)] : [values]',
      },
    ],
    tests: ['test/unit/order/fingerprint'],
  },
  {
    name: 'leave-out-an-offline-partition',
    breaks: 'reconcile reports success although it skipped a partition',
    changes: [
      {
        file: 'src/operate/reconcile/choose-ranges.ts',
        from: 'if (unanswered.length > 0) throw',
        to: 'if (unanswered.length > 99) throw',
      },
    ],
    tests: ['test/unit/operate/choose-ranges'],
  },
  {
    name: 'retry-a-rejected-dead-letter',
    breaks: 'a dead letter that the broker permanently rejects blocks the following messages',
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
    name: 'mix-topics',
    breaks: 'partitions with the same number of two topics share their progress',
    changes: [
      {
        file: 'src/kafka/topic-partition.ts',
        from: '`${topic}/${partition}`;',
        to: '`${topic.slice(0, 0)}/${partition}`;',
      },
    ],
    tests: ['test/e2e/several-topics', '-t', 'two bridges share'],
  },
  {
    name: 'requeue-to-any-topic',
    breaks:
      'dead letters of several topics are requeued in one transaction, to the topic of the first',
    changes: [
      {
        file: 'src/operate/dead-letters/requeue-dead-letters.ts',
        from: '(first !== undefined && topicOf(one) !== topicOf(first)))',
        to: '(first !== undefined && topicOf(first) !== topicOf(first)))',
      },
    ],
    tests: ['test/unit/operate/requeue-dead-letters'],
  },
  {
    name: 'ignore-expired-orders',
    breaks: 'an expired order is not searched for on the topic',
    changes: [
      {
        file: 'src/operate/replay/replay-expired.ts',
        from: 'if (!orders.isSettled) await search(topic, ofTopic);',
        to: 'if (!orders.isSettled && positions.size > 9) await search(topic, ofTopic);',
      },
    ],
    tests: ['test/e2e/orders', '-t', 'has expired from Temporal'],
  },
  {
    name: 'dead-letter-unknown-answers',
    breaks: 'a 404 of a proxy in front of the schema registry makes dead letters',
    changes: [
      {
        file: 'src/decode/schema-registry/registry-client.ts',
        from: 'if (status === 404 && notFoundAnswer.safeParse(json).success)',
        to: 'if (status === 404)',
      },
    ],
    tests: ['test/unit/decode/schema-registry/registry-client'],
  },
  {
    name: 'dead-letter-wrong-registry-path',
    breaks: 'a wrong path in SCHEMA_REGISTRY_URL makes dead letters',
    changes: [
      {
        file: 'src/decode/schema-registry/registry-client.ts',
        from: 'await this.#requireRegistry(path);',
        to: '',
      },
    ],
    tests: ['test/unit/decode/schema-registry/registry-client'],
  },
  {
    name: 'wait-with-a-permit',
    breaks: 'messages that wait for the schema registry hold back those whose schemas are known',
    changes: [
      {
        file: PIPELINE,
        from: 'if (preparing) await preparing;',
        to: 'if (preparing) void preparing;',
      },
    ],
    tests: ['test/unit/bridge/pipeline'],
  },
  {
    name: 'ignore-trailing-bytes',
    breaks: 'a value with bytes after its end is taken for an order',
    changes: [
      {
        file: 'src/decode/avro/avro-decoder.ts',
        from: 'if (reader.remaining > 0) {',
        to: 'if (reader.remaining < 0) {',
      },
    ],
    tests: ['test/unit/decode/avro-decoder'],
  },
  {
    name: 'round-long-integers',
    breaks: '64-bit integers of Avro lose digits',
    changes: [
      {
        file: 'src/decode/avro/avro-decoder.ts',
        from: 'if (!logical) return value.toString();',
        to: 'if (!logical) return Number(value).toString();',
      },
    ],
    tests: ['test/unit/decode'],
  },
  {
    name: 'stale-certificates',
    breaks: 'a renewed client certificate is used for new connections to Temporal',
    changes: [
      {
        file: 'src/temporal/renewed-settings.ts',
        from: 'settings = latest;',
        to: 'settings = { ...latest, ...initial };',
      },
    ],
    tests: ['test/unit/temporal/renewed-settings'],
  },
  {
    name: 'silent-plaintext',
    breaks: 'settings that contradict each other do not disable TLS',
    changes: [
      {
        file: 'src/temporal/connection-settings.ts',
        from: 'if (others.length === 0) return undefined;',
        to: 'if (others.length >= 0) return undefined;',
      },
    ],
    tests: ['test/unit/temporal/connection-settings'],
  },
  {
    name: 'unauthenticated-key-id',
    breaks: 'an encrypted payload can be attributed to another key',
    changes: [
      {
        file: 'src/temporal/payload-codec.ts',
        from: '`${ENCODING}\\n${keyId}`',
        to: '`${ENCODING}\\n${keyId.length}`',
      },
    ],
    tests: ['test/unit/temporal/payload-codec'],
  },
  {
    name: 'decode-for-every-page',
    breaks: 'a web page of any origin can use the codec server',
    changes: [
      {
        file: 'src/operate/codec-server/codec-access.ts',
        from: 'origins.includes(headers.origin)',
        to: 'origins.length > 0',
      },
    ],
    tests: ['test/unit/operate/codec-server'],
  },
];
