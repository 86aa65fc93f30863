/**
 * Runs `npm ci` when node_modules is missing or does not fit package-lock.json. Plain JavaScript
 * over Node alone: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`order-ingest needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

if (!isInstalled()) {
  console.error('Installing the packages (npm ci) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit'], {
    cwd: project,
    // npm's own output goes to stderr, so that it does not mix with what the command prints.
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('npm ci failed: see above. Nothing was started.');
    process.exit(status ?? 1);
  }
}

/**
 * npm writes down in node_modules what it has installed, when it is done. Packages for other
 * platforms are optional and may be missing.
 */
function isInstalled() {
  const installed = path.join(project, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const there = packagesOf(installed);
  const wanted = Object.entries(packagesOf(path.join(project, 'package-lock.json')));
  return wanted.every(
    ([name, { version, optional }]) => name === '' || optional || there[name]?.version === version,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}
