import { once } from 'node:events';
import net from 'node:net';
import pg from 'pg';

/**
 * A pooler that behaves to its clients like PgBouncer in transaction mode: it rejects unknown startup
 * parameters, and runs every transaction in another session of the server.
 */
export interface TransactionPooler {
  /** The URL of the pooler, without a password or options. */
  readonly url: string;
  close(): Promise<void>;
}

export interface PoolerOptions {
  /** The URL of the server, with the settings for its sessions. */
  readonly serverUrl: string;
  readonly sessions: number;
  /** PgBouncer's `ignore_startup_parameters`. */
  readonly ignored?: readonly string[];
}

const KNOWN = ['user', 'database', 'application_name', 'client_encoding', 'datestyle', 'timezone'];
const SSL_REQUEST = 80_877_103;

interface Session {
  readonly socket: net.Socket;
  client: net.Socket | undefined;
}

export async function startTransactionPooler(options: PoolerOptions): Promise<TransactionPooler> {
  const sessions = await Promise.all(
    Array.from({ length: options.sessions }, () => openSession(options.serverUrl)),
  );
  const waiting: (() => void)[] = [];
  const clients = new Set<net.Socket>();

  for (const session of sessions) {
    session.socket.on(
      'data',
      framed((type, message) => {
        session.client?.write(message);
        // ReadyForQuery outside a transaction.
        if (type === 'Z' && message[5] === 'I'.charCodeAt(0)) {
          session.client = undefined;
          sessions.push(...sessions.splice(sessions.indexOf(session), 1));
          waiting.shift()?.();
        }
      }),
    );
  }

  const server = net.createServer((client) => {
    clients.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => clients.delete(client));
    let pending: Buffer[] = [];
    const forward = () => {
      let session = sessions.find((candidate) => candidate.client === client);
      session ??= sessions.find((candidate) => candidate.client === undefined);
      if (!session) {
        waiting.push(forward);
        return;
      }
      session.client = client;
      for (const message of pending) session.socket.write(message);
      pending = [];
    };
    const onMessage = framed((type, message) => {
      if (type === 'X') {
        client.end();
        return;
      }
      pending.push(message);
      // Query, or Sync at the end of an extended query.
      if (type === 'Q' || type === 'S') forward();
    });
    const onStart = (chunk: Buffer) => {
      if (chunk.readInt32BE(4) === SSL_REQUEST) {
        client.write('N');
        return;
      }
      const refused = parametersOf(chunk).find(
        (name) => !KNOWN.includes(name.toLowerCase()) && !options.ignored?.includes(name),
      );
      client.off('data', onStart);
      if (refused !== undefined) {
        client.end(errorResponse(`unsupported startup parameter: ${refused}`));
        return;
      }
      client.on('data', onMessage);
      client.write(WELCOME);
    };
    client.on('data', onStart);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `postgres://anyone@127.0.0.1:${address.port}/any`,
    async close() {
      for (const client of clients) client.destroy();
      for (const { socket } of sessions) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Opens a session by pg, then takes over its socket. */
async function openSession(connectionString: string): Promise<Session> {
  const socket = new net.Socket();
  const client = new pg.Client({ connectionString, stream: () => socket });
  await client.connect();
  socket.removeAllListeners('data');
  socket.on('error', () => socket.destroy());
  client.on('error', () => undefined);
  return { socket, client: undefined };
}

/** Calls `onMessage` for each complete message: a type, four bytes of length, and the body. */
function framed(onMessage: (type: string, message: Buffer) => void) {
  let rest = Buffer.alloc(0);
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const message = rest.subarray(0, 1 + rest.readInt32BE(1));
      rest = rest.subarray(message.length);
      onMessage(String.fromCharCode(message[0] ?? 0), message);
    }
  };
}

const parametersOf = (startup: Buffer): readonly string[] =>
  startup
    .subarray(8)
    .toString()
    .split('\0')
    .filter((text, index) => index % 2 === 0 && text !== '');

function message(type: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const errorResponse = (text: string) =>
  message('E', 'SFATAL\0', 'VFATAL\0', 'C08P01\0', `M${text}\0`, '\0');

/** AuthenticationOk, BackendKeyData with a process ID that no session has, ReadyForQuery. */
const WELCOME = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('K', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1])),
  message('Z', 'I'),
]);
