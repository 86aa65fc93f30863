/**
 * Runs `npm ci` if node_modules is missing or does not match package-lock.json. Plain JavaScript
 * without dependencies, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`order-ingest requires Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

if (!isInstalled()) {
  console.error('Installing dependencies (npm ci) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit'], {
    cwd: project,
    // To stderr, because stdout belongs to the command that follows.
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('npm ci failed; see the output above.');
    process.exit(status ?? 1);
  }
}

/**
 * npm records in node_modules what it has installed. Optional packages, such as those for other
 * platforms, may be missing.
 */
function isInstalled() {
  const installed = path.join(project, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const present = packagesOf(installed);
  const wanted = Object.entries(packagesOf(path.join(project, 'package-lock.json')));
  return wanted.every(
    ([name, { version, optional }]) =>
      name === '' || optional || present[name]?.version === version,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}
