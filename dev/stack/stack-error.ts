/** An error that the user can fix. Only its message is shown. */
export class StackError extends Error {
  override readonly name = 'StackError';
}
