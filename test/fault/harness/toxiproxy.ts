import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../../dev/stack/free-port.ts';
import { buildOnce } from '../../../dev/stack/build-once.ts';
import { startDaemon } from '../../../dev/stack/daemon.ts';
import { goInstall } from '../../../dev/stack/go.ts';
import { CACHE_DIR } from '../../../dev/stack/places.ts';
import { stopProcess, type ProcessIdentity } from '../../../dev/stack/process-identity.ts';

const VERSION = '2.5.0';
const BUILT = path.join(CACHE_DIR, `toxiproxy-${VERSION}`);

/**
 * The faults of a link:
 * - `cut`: open connections are closed and new ones are refused;
 * - `slow`: a delay of 100 to 500 ms each way;
 * - `black-holed`: connections stay open, but nothing passes in either direction;
 * - `drop-responses`: requests arrive, responses do not;
 * - `drop-requests`: requests do not arrive.
 */
export const LINK_FAULTS = [
  'cut',
  'slow',
  'black-holed',
  'drop-responses',
  'drop-requests',
] as const;
export type LinkFault = (typeof LINK_FAULTS)[number];

/** A proxy between one client and one server. */
export interface Link {
  readonly address: string;
  degrade(fault: LinkFault): Promise<void>;
  restore(): Promise<void>;
}

export interface Toxiproxy {
  /** @param upstream `host:port` */
  link(name: string, upstream: string, port?: number): Promise<Link>;
  remove(): Promise<void>;
}

export async function startToxiproxy(dir: string): Promise<Toxiproxy> {
  await buildOnce(
    BUILT,
    'toxiproxy',
    () => undefined,
    async (target, report) => {
      await goInstall(`github.com/Shopify/toxiproxy/v2/cmd/server@v${VERSION}`, target, report);
      renameSync(path.join(target, 'server'), path.join(target, 'toxiproxy-server'));
    },
  );
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const call = async (method: string, route: string, body?: unknown): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}${route}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`toxiproxy: ${await response.text()}`);
  };
  const started: ProcessIdentity[] = [];
  await startDaemon(
    'toxiproxy',
    {
      command: path.join(BUILT, 'toxiproxy-server'),
      args: ['-host', '127.0.0.1', '-port', String(port)],
      cwd: dir,
    },
    path.join(dir, 'toxiproxy.log'),
    () => call('GET', '/version'),
    (identity) => started.push(identity),
  );
  return {
    async link(name, upstream, wanted) {
      const listenPort = wanted ?? (await freePort());
      await call('POST', '/proxies', { name, listen: `127.0.0.1:${listenPort}`, upstream });
      return linkOf(name, `127.0.0.1:${listenPort}`, call);
    },
    async remove() {
      await Promise.all(started.map((process) => stopProcess(process, 'SIGTERM', 5000)));
    },
  };
}

function linkOf(
  name: string,
  address: string,
  call: (method: string, route: string, body?: unknown) => Promise<void>,
): Link {
  const toxics: string[] = [];
  const toxic = async (
    type: string,
    stream: 'upstream' | 'downstream',
    attributes: Readonly<Record<string, number>>,
  ) => {
    await call('POST', `/proxies/${name}/toxics`, {
      name: `${type}-${stream}`,
      type,
      stream,
      attributes,
    });
    toxics.push(`${type}-${stream}`);
  };
  return {
    address,
    async degrade(fault) {
      switch (fault) {
        case 'cut':
          return call('POST', `/proxies/${name}`, { enabled: false });
        case 'slow':
          await toxic('latency', 'upstream', { latency: 300, jitter: 200 });
          return toxic('latency', 'downstream', { latency: 300, jitter: 200 });
        case 'black-holed':
          await toxic('timeout', 'upstream', { timeout: 0 });
          return toxic('timeout', 'downstream', { timeout: 0 });
        case 'drop-responses':
          return toxic('timeout', 'downstream', { timeout: 0 });
        case 'drop-requests':
          return toxic('timeout', 'upstream', { timeout: 0 });
        default:
          return fault satisfies never;
      }
    },
    async restore() {
      for (const toxicName of toxics.splice(0)) {
        await call('DELETE', `/proxies/${name}/toxics/${toxicName}`);
      }
      await call('POST', `/proxies/${name}`, { enabled: true });
    },
  };
}
