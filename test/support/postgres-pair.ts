import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { startDaemon, type DaemonSpec } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { stackPlaces, type StackPlaces } from '../../dev/stack/places.ts';
import {
  DATABASE_NAME,
  DATABASE_PASSWORD,
  DATABASE_USER,
  dataDir,
  postgres,
} from '../../dev/stack/postgres.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';
import { NOT_SHOWN } from '../../dev/stack/show-steps.ts';
import { eventually } from './eventually.ts';
import { setUp, type OnUndo } from './set-up.ts';
import { uniqueName } from './stack.ts';

/** A primary and a standby with synchronous replication: what the primary has committed is on the standby. */
export interface PostgresPair {
  /** `host:port` of each. */
  readonly primary: string;
  readonly standby: string;
  /** A URL with these hosts. */
  url(hosts: readonly string[], parameters?: Readonly<Record<string, string>>): string;
  killPrimary(): Promise<void>;
  /** Makes the standby the primary. */
  promote(): Promise<void>;
  remove(): Promise<void>;
}

export async function startPostgresPair(): Promise<PostgresPair> {
  const [pair, remove] = await setUp(async (onUndo) => {
    const places = stackPlaces(uniqueName('postgres-pair'));
    const copy = stackPlaces(`${places.name}-standby`);
    mkdirSync(places.dir, { recursive: true });
    onUndo(async () => {
      for (const each of [places, copy]) {
        await postgres.deleteData(each);
        rmSync(each.dir, { recursive: true, force: true });
      }
    });
    const ports = { server: await freePort() };
    const copyPorts = { server: await freePort({ exclude: [ports.server] }) };
    const installed = await postgres.prepare(NOT_SHOWN);
    const context = { places, durable: false, databaseUrl: () => Promise.resolve('') };
    const spec = await postgres.configure(context, ports, installed);
    const primary = await start(spec, places, () => postgres.probe(ports), onUndo);
    await query(ports.server, (client) => copyData(client, spec, copy, ports.server));
    const copySpec = {
      ...spec,
      cwd: dataDir(copy),
      args: spec.args.map((arg) =>
        arg === spec.cwd
          ? dataDir(copy)
          : arg === String(ports.server)
            ? String(copyPorts.server)
            : arg,
      ),
    };
    await start(copySpec, copy, () => query(copyPorts.server, () => Promise.resolve()), onUndo);
    await query(ports.server, async (client) => {
      await client.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
      await client.query('SELECT pg_reload_conf()');
      await eventually(async () => {
        const { rows } = await client.query('SELECT sync_state FROM pg_stat_replication');
        expect(rows).toEqual([{ sync_state: 'sync' }]);
      });
    });
    return {
      primary: `127.0.0.1:${ports.server}`,
      standby: `127.0.0.1:${copyPorts.server}`,
      url: (hosts: readonly string[], parameters: Readonly<Record<string, string>> = {}) =>
        `postgres://${DATABASE_USER}:${DATABASE_PASSWORD}@${hosts.join(',')}/${DATABASE_NAME}?${new URLSearchParams(parameters).toString()}`,
      killPrimary: () => stopProcess(primary, 'SIGKILL', 5000),
      promote: () =>
        query(copyPorts.server, async (client) => {
          await client.query('SELECT pg_promote()');
        }),
    };
  });
  return { ...pair, remove };
}

/** What pg_basebackup does: a copy of the data while the server is running. */
async function copyData(
  client: pg.Client,
  { cwd, user }: DaemonSpec,
  copy: StackPlaces,
  primaryPort: number,
): Promise<void> {
  mkdirSync(copy.dir, { recursive: true });
  const target = dataDir(copy);
  await client.query("SELECT pg_backup_start('standby', fast => true)");
  await execa('cp', ['-a', cwd, target]);
  const { rows } = await client.query<{ labelfile: string }>(
    'SELECT labelfile FROM pg_backup_stop()',
  );
  rmSync(path.join(target, 'postmaster.pid'));
  const files = {
    backup_label: rows[0]?.labelfile ?? '',
    'standby.signal': '',
    'postgresql.auto.conf': `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=${DATABASE_USER} password=${DATABASE_PASSWORD}'\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(target, name), text);
  if (user) await execa('chown', ['-R', `${user.uid}:${user.gid}`, target]);
}

const start = (
  spec: DaemonSpec,
  places: StackPlaces,
  probe: () => Promise<void>,
  onUndo: OnUndo,
): Promise<ProcessIdentity> =>
  startDaemon('Postgres', spec, path.join(places.logs, 'postgres.log'), probe, (started) => {
    onUndo(() => stopProcess(started, 'SIGKILL', 5000));
  });

async function query<Result>(
  port: number,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    ...{ host: '127.0.0.1', port, database: DATABASE_NAME },
    ...{ user: DATABASE_USER, password: DATABASE_PASSWORD },
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
