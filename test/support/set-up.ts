type Undo = () => unknown;

/** Registers what undoes a step of a set-up. */
export type OnUndo = (undo: Undo) => void;

/**
 * Runs a set-up of several steps, each of which registers what undoes it. If one fails, those before it are
 * undone. What is returned undoes all of them, the last one first, even if one of them cannot be.
 */
export async function setUp<Result>(
  steps: (onUndo: OnUndo) => Promise<Result>,
): Promise<readonly [Result, () => Promise<void>]> {
  const registered: Undo[] = [];
  const undoAll = async () => {
    const failures: unknown[] = [];
    for (const undo of registered.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    const result = await steps((undo) => registered.push(undo));
    return [result, undoAll];
  } catch (error) {
    // Its own failure would hide the reason.
    await undoAll().catch(() => undefined);
    throw error;
  }
}

/** Runs a set-up before each test of the file, and undoes it afterwards as far as it came. */
export function setUpEach(steps: (onUndo: OnUndo) => Promise<void>): void {
  let undo: (() => Promise<void>) | undefined;
  beforeEach(async () => {
    [, undo] = await setUp(steps);
  });
  afterEach(async () => {
    await undo?.();
    undo = undefined;
  });
}

/** Runs a set-up before all tests of the file, and undoes it afterwards as far as it came. */
export function setUpAll(steps: (onUndo: OnUndo) => Promise<void>, timeoutMs?: number): void {
  let undo: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    [, undo] = await setUp(steps);
  }, timeoutMs);
  afterAll(() => undo?.());
}

/** Like `Promise.all`, but waits for all of them, so that nothing goes on once the set-up is undone. */
export async function allEnded<Result>(
  work: readonly Promise<Result>[],
): Promise<readonly Result[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
