// Loaded with --import: appends the URL of each ES module that Node loads to the file LOADED_MODULES.
import { register } from 'node:module';
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// Node runs the hooks in a thread of their own.
if (isMainThread) register(import.meta.url);

export async function load(url, context, nextLoad) {
  appendFileSync(process.env['LOADED_MODULES'], `${url}\n`);
  return nextLoad(url, context);
}
