import { inspect } from 'node:util';

const MASK = '********';

/** The value of a secret setting, which is not shown when it is logged or printed by mistake. */
export class Secret<Value = string> {
  readonly #read: () => Value;

  constructor(read: () => Value) {
    this.#read = read;
  }

  /**
   * The present value. A value in a file is read again, so that whoever asks for it when opening a connection
   * uses a rotated secret. Throws an OperatorError if the file cannot be read or its content is invalid.
   */
  current(): Value {
    return this.#read();
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
