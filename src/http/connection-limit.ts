import type { Socket } from 'node:net';

/**
 * More than the kernel's queue of connections that wait to be accepted (Node asks for 511): no connection is
 * closed before what its client has sent was read.
 */
export const MAX_CONNECTIONS = 600;

interface Connection {
  socket: Socket;
  readonly address: string;
  /** Requests that have no complete response. */
  requests: number;
}

/**
 * Bounds the open connections of a server, and so its memory and file descriptors. A new connection is never
 * refused, or clients that hold connections open could keep out the probes of an orchestrator. Instead, one of
 * the address that has the most is closed: the one that has been idle longest, or else the oldest.
 */
export class ConnectionLimit {
  /** By remote address and port, in the order in which they last became idle. */
  readonly #connections = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  readonly #max: number;
  readonly #onDropped: () => void;

  constructor(onDropped: () => void, max = MAX_CONNECTIONS) {
    this.#onDropped = onDropped;
    this.#max = max;
  }

  accepted(socket: Socket): void {
    const key = keyOf(socket);
    const address = socket.remoteAddress;
    // The client has disconnected already.
    if (key === undefined || address === undefined) return;
    if (this.#connections.size >= this.#max) this.#closeOne();
    this.#connections.set(key, { socket, address, requests: 0 });
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    socket.once('close', () => {
      this.#forget(key);
    });
  }

  /** The connection has become a TLS connection, whose socket is another one. */
  secured(socket: Socket): void {
    const key = keyOf(socket);
    const connection = key === undefined ? undefined : this.#connections.get(key);
    if (key === undefined || connection === undefined) return;
    connection.socket = socket;
    socket.once('close', () => {
      this.#forget(key);
    });
  }

  /** Returns a function to call once the response has ended. */
  requested(socket: Socket): () => void {
    const key = keyOf(socket);
    const connection = key === undefined ? undefined : this.#connections.get(key);
    if (key === undefined || connection === undefined) return () => undefined;
    connection.requests += 1;
    return () => {
      connection.requests -= 1;
      if (this.#connections.get(key) !== connection) return;
      this.#connections.delete(key);
      this.#connections.set(key, connection);
    };
  }

  closeAll(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  #closeOne(): void {
    const most = Math.max(...this.#perAddress.values());
    let oldest: readonly [string, Connection] | undefined;
    for (const [key, connection] of this.#connections) {
      if (this.#perAddress.get(connection.address) !== most) continue;
      oldest ??= [key, connection];
      if (connection.requests > 0) continue;
      oldest = [key, connection];
      break;
    }
    if (oldest === undefined) return;
    const [key, { socket }] = oldest;
    this.#forget(key);
    socket.destroy();
    this.#onDropped();
  }

  #forget(key: string): void {
    const connection = this.#connections.get(key);
    if (connection === undefined) return;
    this.#connections.delete(key);
    const count = (this.#perAddress.get(connection.address) ?? 1) - 1;
    if (count === 0) this.#perAddress.delete(connection.address);
    else this.#perAddress.set(connection.address, count);
  }
}

/** The same for a TCP connection and the TLS connection on it. */
function keyOf({ localAddress, remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined
    ? undefined
    : [localAddress, remoteAddress, remotePort].join(' ');
}
