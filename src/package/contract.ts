/**
 * `order-ingest/contract`: what other programs meet of order-ingest in Temporal and in Kafka. The names in
 * it do not change within a major version.
 */
export { workflowId } from '../contract/ids.ts';
export {
  INGEST_ORDER,
  type IngestOrder,
  type IngestOrderResult,
} from '../contract/ingest-workflow.ts';
export type { Correction, MessageSource, OrderMessage } from '../contract/message.ts';
export { FAILURE_TYPES, type FailureType } from '../contract/failure-types.ts';
export {
  DEAD_LETTER_HEADERS,
  DEAD_LETTER_REASONS,
  readDeadLetterHeaders,
  type DeadLetterMetadata,
  type DeadLetterReason,
  type MessageHeaders,
  type OmittedParts,
} from '../contract/dead-letter.ts';
