import { defineSearchAttributeKey } from '@temporalio/common';

/** Search attributes with the message's position in Kafka. `order-ingest setup` creates them. */
export const SOURCE_TOPIC = defineSearchAttributeKey('SourceTopic', 'KEYWORD');
export const SOURCE_PARTITION = defineSearchAttributeKey('SourcePartition', 'INT');
export const SOURCE_OFFSET = defineSearchAttributeKey('SourceOffset', 'INT');

/** Search attribute with the type of the failure that ended the workflow, one of `FAILURE_TYPES`. */
export const FAILURE_TYPE = defineSearchAttributeKey('FailureType', 'KEYWORD');

export const SEARCH_ATTRIBUTES = [
  SOURCE_TOPIC,
  SOURCE_PARTITION,
  SOURCE_OFFSET,
  FAILURE_TYPE,
] as const;

/** The key of the memo that holds the message's fingerprint. */
export const FINGERPRINT_MEMO = 'fingerprint';

/**
 * The key of the memo that holds who has corrected the message, when and why, and the fingerprint of the
 * corrected text. `FINGERPRINT_MEMO` still holds that of the original message.
 */
export const CORRECTION_MEMO = 'correction';

/** The key of the memo that holds the order ID, which a workflow has if its own ID contains only a hash. */
export const ORDER_ID_MEMO = 'order-id';

/** The key of the memo that holds the message of the failure that ended the workflow. */
export const FAILURE_MEMO = 'failure';

/** The memo key with the name of the replay that has re-run a completed order. */
export const REPLAY_MEMO = 'replay';

/**
 * The header of a workflow and of its activities with the trace, as W3C headers. The workflow interceptors of
 * `@temporalio/interceptors-opentelemetry-v2` define its name.
 */
export const TRACE_HEADER = '_tracer-data';
