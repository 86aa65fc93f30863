import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Report } from './service.ts';

/**
 * Makes the folder `target` by `build`, unless it is there. The work is done beside it and renamed
 * when it is whole, so that neither a kill nor a second build at the same time leaves half of it.
 */
export async function buildOnce(
  target: string,
  title: string,
  report: Report,
  build: (dir: string, report: Report) => Promise<void>,
): Promise<void> {
  if (existsSync(target)) return;
  const workshop = `${target}.${process.pid}.partial`;
  mkdirSync(workshop, { recursive: true });
  const startedAt = Date.now();
  let latest = '';
  const show = () => {
    report(`${title}: ${Math.round((Date.now() - startedAt) / 1000)} s  ${latest}`);
  };
  const ticker = setInterval(show, 1000);
  try {
    await build(workshop, (text) => {
      latest = text;
      show();
    });
    mkdirSync(path.dirname(target), { recursive: true });
    if (!existsSync(target)) renameSync(workshop, target);
  } finally {
    clearInterval(ticker);
    rmSync(workshop, { recursive: true, force: true });
  }
}
