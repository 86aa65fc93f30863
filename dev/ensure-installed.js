/**
 * Runs `npm ci` when node_modules is missing or does not fit package-lock.json. Plain JavaScript
 * over Node alone: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const stamp = path.join(project, 'node_modules', '.order-ingest-installed');
const wanted = createHash('sha256')
  .update(readFileSync(path.join(project, 'package-lock.json')))
  .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
  .digest('hex');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`order-ingest needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('Installing the packages (npm ci) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit'], {
    cwd: project,
    // npm's own output goes to stderr, so that it does not mix with what the command prints.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, wanted);
}
