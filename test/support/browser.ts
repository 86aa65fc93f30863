import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Arguments of the package for AWS Lambda that turn CORS off, or end the browser together with its first page. */
const UNLIKE_A_BROWSER = [
  ...['--disable-web-security', '--allow-running-insecure-content'],
  ...['--single-process', '--no-zygote', '--in-process-gpu'],
];

/**
 * Launches a headless Chromium: one on the PATH, such as Debian's, or else the one in the npm package
 * `@sparticuz/chromium`, which includes the libraries that it needs.
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
  // The package unpacks its libraries only in what it takes for AWS Lambda.
  process.env['AWS_EXECUTION_ENV'] ??= 'AWS_Lambda_nodejs20.x';
  const { default: bundled } = await import('@sparticuz/chromium');
  const args = bundled.args.filter((arg) => !UNLIKE_A_BROWSER.includes(arg));
  return chromium.launch({ executablePath: await bundled.executablePath(), args });
}
