import { inspect } from 'node:util';
import { describeError, OperatorError } from '../program/operator-error.ts';

/**
 * What a command prints when it fails: the error's code, its message and how to fix it.
 *
 * @param isVerbose append the stack traces of the error and its causes
 */
export function describeFailure(error: unknown, isVerbose: boolean): string {
  const { code, message, fix } =
    error instanceof OperatorError
      ? error
      : {
          code: 'UNEXPECTED',
          message: `Unexpected error: ${describeError(error)}`,
          fix: isVerbose
            ? 'report this with the output below'
            : 'run the command again as `order-ingest --verbose …` and report the output',
        };
  const lines = `order-ingest: ${code}: ${message}\n  Fix: ${fix}.`;
  return isVerbose ? `${lines}\n${inspect(error)}` : lines;
}
