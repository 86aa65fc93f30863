import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts the message and the stack trace of a failure into a payload, so that they are encrypted as well. Loaded by its
 * path (`failureConverterPath`): by a worker that encrypts, and into the bundle of its workflows.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
