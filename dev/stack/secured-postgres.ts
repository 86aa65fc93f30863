import { chownSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import type { Addresses } from './addresses.ts';
import { CA_FILE, createCertificates, issueCertificate } from './certificates.ts';
import type { DaemonSpec } from './daemon.ts';
import { DATABASE_NAME, DATABASE_PASSWORD, DATABASE_USER, postgres } from './postgres.ts';
import type { StackPlaces } from './places.ts';
import { port, type LocalService, type Ports } from './service.ts';

/** The owner of the tables, and the roles that get the least privileges; each with its password. */
export const DATABASE_ROLES = {
  owner: 'owner-password',
  worker: 'worker-password',
  reader: 'reader-password',
} as const;
export type DatabaseRole = keyof typeof DATABASE_ROLES;

/** Another database, for clients with a certificate of their user only. */
export const CERTIFICATE_DATABASE = 'certificates_only';

/**
 * Postgres that accepts TLS only. Roles log in with a password; in the database `certificates_only` they need a
 * certificate as well, whose common name is that of the role.
 */
export const securedPostgres: LocalService = {
  ...postgres,
  title: 'Postgres with TLS and authentication',
  usualPorts: { server: 5433 },

  async configure(context, ports, installed) {
    const spec = await postgres.configure(context, ports, installed);
    const certificates = certificatesFolder(context.places);
    await createCertificates(certificates);
    for (const role of ['owner', 'reader']) {
      await issueCertificate(certificates, { name: `client-${role}`, commonName: role });
    }
    installServerCertificate(spec, certificates, 'server');
    installFile(spec, path.join(certificates, CA_FILE), CA_FILE);
    writeFileSync(path.join(spec.cwd, 'pg_hba.conf'), HOST_BASED_AUTHENTICATION);
    const settings = ['ssl=on', 'ssl_cert_file=server.crt', 'ssl_key_file=server.key'];
    return {
      ...spec,
      args: [
        ...spec.args,
        ...[...settings, `ssl_ca_file=${CA_FILE}`].flatMap((setting) => ['-c', setting]),
      ],
    };
  },

  async probe(ports) {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: port(ports, 'server'),
      user: DATABASE_USER,
      password: DATABASE_PASSWORD,
      database: 'postgres',
      // The tests replace the certificate by invalid ones.
      ssl: { rejectUnauthorized: false },
      connectionTimeoutMillis: 1000,
    });
    try {
      await client.connect();
      for (const [role, password] of Object.entries(DATABASE_ROLES)) {
        await createUnlessFound(
          client,
          'pg_roles',
          'rolname',
          role,
          `LOGIN PASSWORD '${password}'`,
        );
      }
      for (const database of [DATABASE_NAME, CERTIFICATE_DATABASE]) {
        await createUnlessFound(client, 'pg_database', 'datname', database, 'OWNER owner');
      }
    } finally {
      await client.end();
    }
  },
};

const certificatesFolder = ({ dir }: StackPlaces): string => path.join(dir, 'certificates');

/** The first line that matches a connection counts. */
const HOST_BASED_AUTHENTICATION = `
hostssl ${CERTIFICATE_DATABASE} all all scram-sha-256 clientcert=verify-full
hostssl all all all scram-sha-256
`;

/** The settings of the owner, who runs \`order-ingest setup\`; with them it grants the other roles their privileges. */
export const securedPostgresAddresses = (ports: Ports, certificates: string): Addresses => ({
  DATABASE_URL: securedPostgresUrl(ports, certificates, 'owner'),
  DATABASE_WORKER_ROLE: 'worker',
  DATABASE_READER_ROLE: 'reader',
});

/** The URL of a role, which verifies the certificate of the server. */
export const securedPostgresUrl = (
  ports: Ports,
  certificates: string,
  role: DatabaseRole,
): string => {
  const ca = encodeURIComponent(path.join(certificates, CA_FILE));
  return `postgres://${role}:${DATABASE_ROLES[role]}@localhost:${port(ports, 'server')}/${DATABASE_NAME}?sslmode=verify-full&sslrootcert=${ca}`;
};

/** Copies a certificate and its key to the data of the server, which uses it once it reloads its configuration. */
export function installServerCertificate(
  spec: Pick<DaemonSpec, 'cwd' | 'user'>,
  certificates: string,
  name: string,
): void {
  for (const extension of ['key', 'crt']) {
    installFile(spec, path.join(certificates, `${name}.${extension}`), `server.${extension}`);
  }
}

/** Postgres rejects a key that belongs to another user. */
function installFile(
  { cwd, user }: Pick<DaemonSpec, 'cwd' | 'user'>,
  file: string,
  name: string,
): void {
  const target = path.join(cwd, name);
  copyFileSync(file, target);
  if (user) chownSync(target, user.uid, user.gid);
}

async function createUnlessFound(
  client: pg.Client,
  catalog: 'pg_roles' | 'pg_database',
  column: string,
  name: string,
  options: string,
): Promise<void> {
  const found = await client.query(`SELECT FROM ${catalog} WHERE ${column} = $1`, [name]);
  const kind = catalog === 'pg_roles' ? 'ROLE' : 'DATABASE';
  if (found.rowCount === 0) await client.query(`CREATE ${kind} ${name} ${options}`);
}
