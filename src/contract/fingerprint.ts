/**
 * Whether another version stored this fingerprint in its own form: an older one, or a newer one whose bridge
 * is in the same consumer group. Such a fingerprint says nothing by being different.
 */
export const isOtherForm = (stored: string, fingerprint: string): boolean =>
  formOf(stored) !== formOf(fingerprint);

/** The first form of the built-in order module has no colon. */
const formOf = (fingerprint: string): string => fingerprint.slice(0, fingerprint.indexOf(':') + 1);
