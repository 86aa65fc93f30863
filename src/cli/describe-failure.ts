import { inspect } from 'node:util';
import { describeError, OperatorError } from '../program/operator-error.ts';

/**
 * What a command prints when it fails: the code of the error, what is wrong and how to fix it.
 *
 * @param isVerbose also where the error comes from, with its causes
 */
export function describeFailure(error: unknown, isVerbose: boolean): string {
  const { code, message, fix } =
    error instanceof OperatorError
      ? error
      : {
          code: 'UNEXPECTED',
          message: `Unexpected error: ${describeError(error)}`,
          fix: isVerbose
            ? 'please report this with the output below'
            : 'run it again with --verbose before the command, and report the output',
        };
  const lines = `order-ingest: ${code}: ${message}\n  Fix: ${fix}.`;
  return isVerbose ? `${lines}\n${inspect(error)}` : lines;
}
