import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { isAlive, stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';
import { stackAddress } from '../../test/support/stack.ts';
import { orderText } from '../harness/orders.ts';
import { openSystem } from './open-system.ts';
import { rivalFile } from './packages.ts';
import type { OpenRival, Rival } from './rival.ts';
import { startRivalProgram } from './run-program.ts';

/** A Restate server with default settings, a service with a virtual object per order, and a subscription. */
export const restate: Rival = {
  name: 'Restate',
  count: 10_000,
  hasServer: true,
  async open(): Promise<OpenRival> {
    const opened = await openSystem();
    const { topic, database, env } = opened;
    const server = await startRestate();
    const servicePort = await freePort();
    let isRegistered = false;
    const register = async () => {
      await server.post('deployments', { uri: `http://127.0.0.1:${servicePort}` });
      await server.post('kafka-clusters', {
        name: 'kafka',
        properties: { 'bootstrap.servers': stackAddress('KAFKA_BROKERS') },
      });
      await server.post('subscriptions', {
        source: `kafka://kafka/${topic.name}`,
        sink: 'service://order/ingest',
        options: { 'group.id': topic.groupId, 'auto.offset.reset': 'earliest' },
      });
      isRegistered = true;
    };
    return {
      topic,
      database,
      table: 'orders',
      messageOf: orderText,
      groupId: topic.groupId,
      server,
      async start() {
        await server.start();
        const service = await startRivalProgram('service', 'restate-service.ts', {
          env: { ...env, SERVICE_PORT: String(servicePort) },
          node: rivalFile('node/bin/node'),
        });
        if (!isRegistered) await register();
        return service;
      },
      async taken() {
        const [row] = await server.query('SELECT count(*) AS count FROM sys_invocation');
        return Number(row?.['count'] ?? 0);
      },
      async kept() {
        const rows = await server.query(
          "SELECT id, status, completion_failure, last_failure FROM sys_invocation WHERE completion_result = 'failure' OR status = 'paused' OR status = 'backing-off'",
        );
        return rows.map(({ id, status, completion_failure, last_failure }) => ({
          as: status === 'completed' ? 'failed invocation' : `${String(status)} invocation`,
          reason: String(completion_failure ?? last_failure),
          id: String(id),
        }));
      },
      rerun: {
        how: '`restate invocations restart-as-new`',
        // What the command calls; it is in another package than the server.
        run: (id) => server.patch(`invocations/${id}/restart-as-new`),
      },
      async close() {
        await server.remove();
        await opened.close();
      },
    };
  },
};

/** Only node-to-node traffic and HTTP on the loopback interface; everything else has its default. */
async function startRestate() {
  const dir = mkdtempSync(path.join(tmpdir(), 'restate-'));
  const [node, admin, ingress] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${admin}`;
  let process: ProcessIdentity | undefined;
  const call = async (method: string, what: string, body?: object) => {
    const response = await fetch(`${url}/${what}`, {
      method,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${what}: ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  const start = async () => {
    if (process && (await isAlive(process))) return;
    await startDaemon(
      'Restate',
      {
        command: rivalFile(
          `@restatedev/restate-server-${globalThis.process.platform}-${globalThis.process.arch}/bin/restate-server`,
        ),
        args: [
          ...['--base-dir', dir, '--bind-ip', '127.0.0.1', '--bind-port', String(node)],
          ...['--listen-mode', 'tcp', '--no-logo'],
        ],
        env: {
          RESTATE_ADMIN__BIND_PORT: String(admin),
          RESTATE_INGRESS__BIND_PORT: String(ingress),
          RESTATE_DISABLE_TELEMETRY: 'true',
        },
        cwd: dir,
      },
      path.join(dir, 'log'),
      async () => {
        await call('GET', 'cluster-health');
      },
      (identity) => (process = identity),
    );
  };
  await start();
  return {
    name: 'restate',
    pid: () => process?.pid ?? 0,
    start,
    async kill() {
      if (process) await stopProcess(process, 'SIGKILL', 5000);
    },
    post: (what: string, body: object) => call('POST', what, body),
    async patch(what: string) {
      await call('PATCH', what);
    },
    async query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
      const answer = (await call('POST', 'query', { query: sql })) as {
        rows: readonly Readonly<Record<string, unknown>>[];
      };
      return answer.rows;
    },
    async remove() {
      if (process) await stopProcess(process, 'SIGTERM', 10_000);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
