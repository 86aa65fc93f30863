import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { stackPlaces } from '../../dev/stack/places.ts';
import { DATABASE_NAME, DATABASE_PASSWORD, DATABASE_USER } from '../../dev/stack/postgres.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import {
  DATABASE_ROLES,
  installServerCertificate,
  securedPostgres,
  type DatabaseRole,
} from '../../dev/stack/secured-postgres.ts';
import { NOT_SHOWN } from '../../dev/stack/show-steps.ts';
import { setUp } from './set-up.ts';
import { uniqueName } from './stack.ts';

/** A Postgres that accepts TLS only: see `securedPostgres`. */
export interface SecuredPostgres {
  /** The folder of the certificates: see `createCertificates`. */
  readonly certificates: string;
  readonly port: number;
  /** The URL of a role. The parameters are part of it as they are; files are below `certificates`. */
  url(options: UrlOptions): string;
  /** Has the server use another certificate for new connections. */
  useServerCertificate(name: string): Promise<void>;
  /** Runs SQL as the super user. */
  query(sql: string, database?: string): Promise<pg.QueryResult>;
  remove(): Promise<void>;
}

export interface UrlOptions {
  readonly role?: DatabaseRole;
  readonly password?: string;
  readonly host?: string;
  readonly database?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export async function startSecuredPostgres(): Promise<SecuredPostgres> {
  const [server, remove] = await setUp(async (onUndo) => {
    const places = stackPlaces(uniqueName('secured-postgres'));
    onUndo(async () => {
      await securedPostgres.deleteData(places);
      rmSync(places.dir, { recursive: true, force: true });
    });
    mkdirSync(places.dir, { recursive: true });
    const ports = { server: await freePort() };
    const installed = await securedPostgres.prepare(NOT_SHOWN);
    const context = { places, durable: false, databaseUrl: () => Promise.resolve('') };
    const spec = await securedPostgres.configure(context, ports, installed);
    const identity = await startDaemon(
      securedPostgres.title,
      spec,
      path.join(places.logs, 'postgres.log'),
      () => securedPostgres.probe(ports),
      (started) => {
        onUndo(() => stopProcess(started, 'SIGKILL', 5000));
      },
    );
    const certificates = path.join(places.dir, 'certificates');
    const query = async (sql: string, database = DATABASE_NAME) => {
      const client = new pg.Client({
        ...{ host: '127.0.0.1', port: ports.server, database },
        ...{ user: DATABASE_USER, password: DATABASE_PASSWORD },
        ssl: { rejectUnauthorized: false },
      });
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    };
    return {
      certificates,
      port: ports.server,
      url: ({
        role = 'owner',
        password = DATABASE_ROLES[role],
        host = 'localhost',
        database = DATABASE_NAME,
        parameters = {},
      }: UrlOptions) =>
        `postgres://${role}:${encodeURIComponent(password)}@${host}:${ports.server}/${database}?${new URLSearchParams(parameters).toString().replaceAll('+', '%20')}`,
      async useServerCertificate(name: string) {
        installServerCertificate(spec, certificates, name);
        const loaded = (await query('SELECT pg_conf_load_time() AS at')).rows[0] as { at: Date };
        process.kill(identity.pid, 'SIGHUP');
        for (;;) {
          const { rows } = await query('SELECT pg_conf_load_time() AS at');
          if ((rows[0] as { at: Date }).at.getTime() !== loaded.at.getTime()) return;
        }
      },
      query,
    };
  });
  return { ...server, remove };
}
