import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import getPort from 'get-port';
import { buildOnce } from '../stack/build-once.ts';
import { CACHE_DIR } from '../stack/places.ts';
import { StackError } from '../stack/stack-error.ts';
import { goModule, run } from './downloads.ts';

const VERSION = '1.34.2';

/** Without its version, the server would be too old for the chart. */
const LINKER_FLAGS = `-s -w -X k8s.io/component-base/version.gitVersion=v${VERSION}`;

const MAIN = `package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
`;

/** Kubernetes' modules replace those of its staging folder, which are published under a version of their own. */
async function writeModule(folder: string): Promise<void> {
  const kubernetes = await goModule(`k8s.io/kubernetes@v${VERSION}`, folder);
  const staged = readFileSync(path.join(kubernetes, 'go.mod'), 'utf8').matchAll(
    /^\t(\S+) => \.\/staging/gm,
  );
  const published = `v0${VERSION.slice(1)}`;
  const replaced = [...staged].map(([, name = '']) => `\t${name} => ${name} ${published}`);
  writeFileSync(path.join(folder, 'main.go'), MAIN);
  writeFileSync(
    path.join(folder, 'go.mod'),
    `module kube-apiserver\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v${VERSION}\n\nreplace (\n${replaced.join('\n')}\n)\n`,
  );
}

/** Kubernetes' API server, built with Go, which takes 13 minutes of CPU the first time. */
async function findApiServer(): Promise<string> {
  const folder = path.join(CACHE_DIR, `kube-apiserver-${VERSION}`);
  await buildOnce(
    folder,
    'kube-apiserver',
    () => undefined,
    async (target) => {
      console.error('Building kube-apiserver with Go takes 13 minutes of CPU.');
      const source = path.join(target, 'source');
      mkdirSync(source);
      await writeModule(source);
      await run('go', ['mod', 'tidy'], source);
      await run('go', ['build', '-ldflags', LINKER_FLAGS, '-o', '../kube-apiserver', '.'], source);
      rmSync(source, { recursive: true });
    },
  );
  return path.join(folder, 'kube-apiserver');
}

/** etcd, from the PATH or from Debian's package, which is not installed. */
async function findEtcd(): Promise<string> {
  const installed = await execa('etcd', ['--version'], { reject: false });
  if (!installed.failed) return 'etcd';
  const folder = path.join(CACHE_DIR, 'etcd-debian');
  await buildOnce(
    folder,
    'etcd',
    () => undefined,
    async (target) => {
      await run('apt-get', ['download', 'etcd-server'], target);
      await run('sh', ['-c', 'dpkg -x etcd-server*.deb .'], target);
    },
  );
  return path.join(folder, 'usr/bin/etcd');
}

export interface ApiServer {
  /** The path of a kubeconfig for its administrator. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

interface Started {
  readonly kill: () => void;
  readonly ended: Promise<unknown>;
}

/** Starts etcd and an API server with an empty cluster. Nothing runs pods. */
export async function startApiServer(ending: AbortSignal): Promise<ApiServer> {
  const [apiServer, etcd] = [await findApiServer(), await findEtcd()];
  ending.throwIfAborted();
  const dir = mkdtempSync(path.join(tmpdir(), 'kube-apiserver-'));
  const processes: Started[] = [];
  const stop = async () => {
    // The API server first, because it runs on etcd.
    for (const { kill, ended } of processes.splice(0).reverse()) {
      kill();
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const kubeconfig = await startIn(dir, apiServer, etcd, (process) => processes.push(process));
    await untilReady(kubeconfig, ending);
    return { kubeconfig, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts both programs and returns the path of the kubeconfig. */
async function startIn(
  dir: string,
  apiServer: string,
  etcd: string,
  onStarted: (process: Started) => void,
): Promise<string> {
  const [client, peer, port] = [await getPort(), await getPort(), await getPort()];
  const etcdUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const token = randomBytes(16).toString('hex');
  writeFileSync(path.join(dir, 'tokens.csv'), `${token},admin,1,system:masters\n`);
  await run('openssl', ['genrsa', '-out', 'sa.key', '2048'], dir);
  const start = (program: string, args: readonly string[]) => {
    const ended = execa(program, args, { cwd: dir, reject: false, stdio: 'ignore' });
    onStarted({ kill: () => ended.kill(), ended });
  };
  start(etcd, [
    ...['--data-dir', 'data', '--unsafe-no-fsync'],
    ...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `default=${peerUrl}`],
  ]);
  start(apiServer, [
    ...['--etcd-servers', etcdUrl, '--cert-dir', 'certificates'],
    ...['--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1'],
    ...['--secure-port', String(port), '--endpoint-reconciler-type', 'none'],
    ...['--service-account-issuer', 'https://kubernetes.default.svc'],
    ...['--service-account-signing-key-file', 'sa.key', '--service-account-key-file', 'sa.key'],
    ...['--token-auth-file', 'tokens.csv', '--authorization-mode', 'RBAC'],
    // Without controllers, no namespace gets its default ServiceAccount.
    ...[
      '--service-cluster-ip-range',
      '10.0.0.0/24',
      '--disable-admission-plugins',
      'ServiceAccount',
    ],
  ]);
  const kubeconfig = path.join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(port, token));
  return kubeconfig;
}

async function untilReady(kubeconfig: string, ending: AbortSignal): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline) {
    const ready = await execa('kubectl', ['get', '--raw', '/readyz'], {
      env: { KUBECONFIG: kubeconfig },
      reject: false,
      timeout: 5000,
    });
    if (!ready.failed) return;
    await delay(500, undefined, { signal: ending });
  }
  throw new StackError('kube-apiserver is not ready after two minutes');
}

const kubeconfigText = (port: number, token: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
      },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'orders' } }],
  });
