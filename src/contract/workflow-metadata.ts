import { defineSearchAttributeKey } from '@temporalio/common';

/** Where the message stood in Kafka: filters of the Temporal UI. `order-ingest setup` makes them. */
export const SOURCE_TOPIC = defineSearchAttributeKey('SourceTopic', 'KEYWORD');
export const SOURCE_PARTITION = defineSearchAttributeKey('SourcePartition', 'INT');
export const SOURCE_OFFSET = defineSearchAttributeKey('SourceOffset', 'INT');

/** Which of `FAILURE_TYPES` the workflow has ended in: answers "what has failed, and why". */
export const FAILURE_TYPE = defineSearchAttributeKey('FailureType', 'KEYWORD');

export const SEARCH_ATTRIBUTES = [
  SOURCE_TOPIC,
  SOURCE_PARTITION,
  SOURCE_OFFSET,
  FAILURE_TYPE,
] as const;

/** The key of the workflow's memo that holds the message's fingerprint. */
export const FINGERPRINT_MEMO = 'fingerprint';

/**
 * The key of the memo that says who has corrected the message by hand, when and why, with the
 * fingerprint of the corrected text. The other fingerprint stays that of the message as it came.
 */
export const CORRECTION_MEMO = 'correction';

/** The key of the memo that holds the message of the failure that the workflow has ended in. */
export const FAILURE_MEMO = 'failure';
