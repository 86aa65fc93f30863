import type { Payload } from '@temporalio/common';
import { CORRECTION_MEMO, FINGERPRINT_MEMO } from '../contract/workflow-metadata.ts';
import { readPayload } from './read-payload.ts';

/**
 * The fingerprints of the content that a workflow is about, from its memo: that of its message and,
 * where somebody has corrected it, that of the correction. Empty where somebody has started it without.
 */
export function ingestedFingerprints(
  memo: Readonly<Record<string, Payload>> | null | undefined,
): readonly string[] {
  const correction = readPayload(memo?.[CORRECTION_MEMO]);
  const corrected =
    typeof correction === 'object' && correction !== null && 'fingerprint' in correction
      ? correction.fingerprint
      : undefined;
  return [readPayload(memo?.[FINGERPRINT_MEMO]), corrected].filter(
    (fingerprint) => typeof fingerprint === 'string',
  );
}
