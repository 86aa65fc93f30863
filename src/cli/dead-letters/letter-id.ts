import { OperatorError } from '../../program/operator-error.ts';

const LETTER_ID = /^\d{1,9}:\d{1,19}$/;

export function letterId(text: string): string {
  if (LETTER_ID.test(text)) return text;
  throw new OperatorError(
    `"${text}" is no dead letter's ID`,
    'give its partition and offset as `order-ingest dead-letters list` shows them, such as 0:17',
  );
}

export const letterIds = (
  text: string,
  before: readonly string[] | undefined,
): readonly string[] => [...(before ?? []), letterId(text)];
