import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Report } from './service.ts';

/**
 * Builds the folder `target` unless it exists. It is built under another name and renamed when complete, so
 * that neither a kill nor a concurrent build leaves an incomplete folder.
 */
export async function buildOnce(
  target: string,
  title: string,
  report: Report,
  build: (dir: string, report: Report) => Promise<void>,
): Promise<void> {
  if (existsSync(target)) return;
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
    mkdirSync(path.dirname(target), { recursive: true });
    if (!existsSync(target)) renameSync(partial, target);
  } finally {
    clearInterval(ticker);
    rmSync(partial, { recursive: true, force: true });
  }
}
