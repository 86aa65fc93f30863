/** An error that the user can fix. Only its message is shown. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

/** Waits for all, and throws one StackError with all their messages if any of them has thrown one. */
export async function allOrStackError(checks: readonly Promise<void>[]): Promise<void> {
  const messages: string[] = [];
  for (const check of await Promise.allSettled(checks)) {
    if (check.status === 'fulfilled') continue;
    if (!(check.reason instanceof StackError)) throw check.reason;
    messages.push(check.reason.message);
  }
  if (messages.length > 0) throw new StackError(messages.join('\n'));
}
