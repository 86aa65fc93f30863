/**
 * Runs work of the same key one after the other, in the order in which it was asked for, and work of
 * different keys side by side. Two messages of one order thus reach Temporal in the order of the
 * topic, and it is the later one that is the duplicate.
 */
export function createKeyedSequencer(): <Result>(
  key: string,
  work: () => Promise<Result>,
) => Promise<Result> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key);
    const mine = before ? before.then(work, work) : work();
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
