import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/**
 * Where the Temporal SDK's core serves its own metrics: it has an exporter of its own, which wants a
 * port and does not say which it took when it is given 0.
 */
export async function freeLocalAddress(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

const TIMEOUT_MS = 2000;

/** The SDK's metrics as text; empty when it does not answer, since ours are worth having alone. */
export async function readSdkMetrics(address: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`http://${address}/metrics`, { signal });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
