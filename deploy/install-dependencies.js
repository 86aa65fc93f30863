/**
 * Installs the production dependencies for the image into the folder that is given as the argument: `npm ci`
 * for the platform of the image, without the files that no program loads. Fails if a package is missing, because npm can end with exit code 0 without
 * installing anything (npm/cli#7666). Plain JavaScript without dependencies, because nothing is installed.
 *
 * The result depends on package-lock.json and the platform alone: it has no version of order-ingest in it,
 * and all its files and folders have the same time. The layer of the image therefore keeps its digest.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';

/** Docker's names of the supported platforms, as npm and Rust call them. */
const PLATFORMS = {
  amd64: { cpu: 'x64', rust: 'x86_64-unknown-linux-gnu' },
  arm64: { cpu: 'arm64', rust: 'aarch64-unknown-linux-gnu' },
};

/** Read by compilers and people, never by Node. */
const UNUSED_FILE = /\.(map|md|markdown|tsbuildinfo|[cm]?ts)$/;

/** Temporal's Rust sources, and the compilers of workflows: the image has compiled workflows. */
const UNUSED_FOLDERS = [
  '@temporalio/core-bridge/bridge-macros',
  '@temporalio/core-bridge/sdk-core',
  '@temporalio/core-bridge/src',
  '@swc',
];

const NODE_MODULES = 'node_modules';

const [output] = process.argv.slice(2);
if (output === undefined) throw new Error('usage: node install-dependencies.js FOLDER');
const target = process.env['TARGETARCH'];
const platform = PLATFORMS[target];
if (!platform) {
  throw new Error(`TARGETARCH is ${target}; expected ${Object.keys(PLATFORMS).join(' or ')}`);
}

execFileSync(
  'npm',
  [
    ...['ci', '--omit=dev', '--ignore-scripts', '--no-audit'],
    ...['--os=linux', '--libc=glibc', `--cpu=${platform.cpu}`],
  ],
  { stdio: 'inherit' },
);
checkInstalled();
removeUnused();
mkdirSync(output, { recursive: true });
renameSync(NODE_MODULES, path.join(output, NODE_MODULES));
setTimes();

function checkInstalled() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const missing = Object.entries(packages).filter(
    ([folder, { dev, devOptional, optional, os, cpu, libc }]) => {
      if (folder === '' || dev || devOptional) return false;
      const isForPlatform =
        includes(os, 'linux') && includes(cpu, platform.cpu) && includes(libc, 'glibc');
      // An optional package without a platform is a peer that nobody needs.
      const isWanted = optional ? isForPlatform && os !== undefined : true;
      return isWanted && !existsSync(path.join(folder, 'package.json'));
    },
  );
  if (missing.length > 0) {
    throw new Error(`npm has not installed ${missing.map(([folder]) => folder).join(', ')}`);
  }
}

function includes(list, name) {
  return list === undefined || list.includes(name);
}

function removeUnused() {
  for (const folder of UNUSED_FOLDERS) remove(path.join(NODE_MODULES, folder));
  const natives = path.join(NODE_MODULES, '@temporalio/core-bridge/releases');
  for (const name of readdirSync(natives)) {
    if (name !== platform.rust) remove(path.join(natives, name));
  }
  if (!existsSync(path.join(natives, platform.rust, 'index.node'))) {
    throw new Error(`@temporalio/core-bridge has no library for ${platform.rust}`);
  }
  // npm's record of what it installed has the version of order-ingest in it.
  remove(path.join(NODE_MODULES, '.package-lock.json'));
  for (const file of entries(NODE_MODULES)) {
    if (file.isFile() && UNUSED_FILE.test(file.name)) remove(path.join(file.parentPath, file.name));
  }
}

/** `COPY` keeps the times of what is in a folder, and a layer's digest depends on them. */
function setTimes() {
  const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? 0);
  for (const { parentPath, name } of entries(output)) {
    lutimesSync(path.join(parentPath, name), seconds, seconds);
  }
  lutimesSync(output, seconds, seconds);
}

function entries(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true });
}

function remove(file) {
  rmSync(file, { recursive: true, force: true });
}
