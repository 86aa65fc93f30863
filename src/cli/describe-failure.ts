import { inspect } from 'node:util';
import { describeError, OperatorError } from '../program/operator-error.ts';

/**
 * What a command says when it fails: what is wrong and what to do.
 *
 * @param isVerbose also where the error comes from, with its causes
 */
export function describeFailure(error: unknown, isVerbose: boolean): string {
  const { message, fix: remedy } =
    error instanceof OperatorError
      ? error
      : {
          message: `Unexpected error: ${describeError(error)}`,
          fix: isVerbose
            ? 'report it with what stands below'
            : 'run it again with --verbose before the command, and report what that shows',
        };
  const lines = `order-ingest: ${message}\n  To mend it: ${remedy}.`;
  return isVerbose ? `${lines}\n${inspect(error)}` : lines;
}
