import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';
import { StackError } from './stack-error.ts';

const DEFAULT_TIMEOUT_MS = 10 * 60_000;
const POLL_MS = 200;

/** Runs `work` in one command at a time. A lock whose holder has died is released. */
export async function withLock<Result>(
  { lockFile }: { readonly lockFile: string },
  work: () => Promise<Result>,
  options: {
    readonly timeoutMs?: number;
    /** Called once if another command holds the lock. */
    readonly onWait?: () => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<Result> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, onWait, signal } = options;
  mkdirSync(path.dirname(lockFile), { recursive: true });
  const deadline = Date.now() + timeoutMs;
  for (let attempt = 0; !(await tryLock(lockFile)); attempt += 1) {
    if (attempt === 0) onWait?.();
    if (Date.now() > deadline) {
      throw new StackError(`Another command has held ${lockFile} for ${timeoutMs / 60_000} min`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

async function tryLock(lockFile: string): Promise<boolean> {
  // A link appears with its content, so that no other command sees a lock without a holder.
  const own = `${lockFile}.${process.pid}`;
  writeFileSync(own, JSON.stringify(await identify(process.pid)));
  try {
    linkSync(own, lockFile);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(own, { force: true });
  }
  const holder = readHolder(lockFile);
  if (holder === undefined || !(await isAlive(holder))) rmSync(lockFile, { force: true });
  return false;
}

function readHolder(lockFile: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
