import { defineSearchAttributeKey } from '@temporalio/common';

/** Where the message stood in Kafka: filters of the Temporal UI. `order-ingest setup` makes them. */
export const SOURCE_TOPIC = defineSearchAttributeKey('SourceTopic', 'KEYWORD');
export const SOURCE_PARTITION = defineSearchAttributeKey('SourcePartition', 'INT');
export const SOURCE_OFFSET = defineSearchAttributeKey('SourceOffset', 'INT');

export const SEARCH_ATTRIBUTES = [SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET] as const;

/** The key of the workflow's memo that holds the message's fingerprint. */
export const FINGERPRINT_MEMO = 'fingerprint';
