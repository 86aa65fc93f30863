import { createConnection, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { freePort } from '../../dev/stack/free-port.ts';

/** A proxy between a client and a server, which can cut the connection. */
export interface TcpProxy {
  readonly port: number;
  /** Closes all connections and refuses new ones. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** @param target `host:port` of the server */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const [host = '127.0.0.1', targetPort] = target.split(':');
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    const upstream = track(createConnection({ host, port: Number(targetPort) }));
    track(client).pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  };
  const cut = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  // None that an outgoing connection could take while the proxy is cut.
  const port = await listen(await freePort());
  return {
    port,
    cut,
    async restore() {
      await listen(port);
    },
    close: cut,
  };
}
