import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * A headless Chromium: the one on the PATH, such as Debian's, or else the one that the npm package
 * `@sparticuz/chromium` carries, with the libraries that it needs.
 */
export async function launchBrowser(): Promise<Browser> {
  const installed = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .flatMap((dir) => NAMES.map((name) => path.join(dir, name)))
    .find((file) => existsSync(file));
  if (installed !== undefined) {
    const args = ['--no-sandbox', '--disable-gpu'];
    return chromium.launch({ executablePath: installed, args });
  }
  // Without this it unpacks no libraries: it was made for Amazon's functions.
  process.env['AWS_EXECUTION_ENV'] ??= 'AWS_Lambda_nodejs20.x';
  const { default: carried } = await import('@sparticuz/chromium');
  return chromium.launch({ executablePath: await carried.executablePath(), args: carried.args });
}
