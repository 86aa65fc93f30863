/** Loads a command when it is called: the clients of the servers would slow down every other command. */
export const lazily =
  <Args extends readonly unknown[]>(load: () => Promise<(...args: Args) => Promise<void>>) =>
  async (...args: Args): Promise<void> =>
    (await load())(...args);
