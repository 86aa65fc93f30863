/**
 * A function that runs the task, one run after the other. Calls that are made while a run waits for its
 * turn share that run: it begins after all of them. The task must not reject.
 */
export function coalesce(task: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  let waiting: Promise<void> | undefined;
  return () => {
    waiting ??= last = last.then(() => {
      waiting = undefined;
      return task();
    });
    return waiting;
  };
}
