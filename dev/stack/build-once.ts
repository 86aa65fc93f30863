import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { withLock } from './lock.ts';
import type { Report } from './service.ts';

/** Compiling a server takes minutes; on a busy machine, many. */
const WAIT_MS = 60 * 60_000;

/**
 * Builds the folder `target` unless it exists. It is built under another name and renamed when complete, so
 * that a kill never leaves an incomplete folder. A second command waits for the first.
 */
export async function buildOnce(
  target: string,
  title: string,
  report: Report,
  build: (dir: string, report: Report) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  if (existsSync(target)) return;
  const lock = { lockFile: `${target}.lock` };
  const onWait = () => {
    report(`${title}: waits for another command that prepares it`);
  };
  await withLock(lock, () => buildLocked(target, title, report, build), {
    timeoutMs: WAIT_MS,
    onWait,
    signal,
  });
}

async function buildLocked(
  target: string,
  title: string,
  report: Report,
  build: (dir: string, report: Report) => Promise<void>,
): Promise<void> {
  if (existsSync(target)) return;
  removePartial(target);
  const partial = `${target}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  const startedAt = Date.now();
  let latest = '';
  const show = () => {
    report(`${title}: ${Math.round((Date.now() - startedAt) / 1000)} s  ${latest}`);
  };
  const ticker = setInterval(show, 1000);
  try {
    await build(partial, (text) => {
      latest = text;
      show();
    });
    renameSync(partial, target);
  } finally {
    clearInterval(ticker);
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Removes what killed commands have left behind. */
function removePartial(target: string): void {
  const name = path.basename(target);
  for (const entry of readdirSync(path.dirname(target))) {
    if (entry.startsWith(`${name}.`) && entry.endsWith('.partial')) {
      rmSync(path.join(path.dirname(target), entry), { recursive: true, force: true });
    }
  }
}
