/** Something that the user can mend; its message is all that is shown. */
export class StackError extends Error {
  override readonly name = 'StackError';
}
