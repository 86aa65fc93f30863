import type { Client } from '@temporalio/client';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { ORDERS_ROLE } from '../../config/roles.ts';
import { counted } from '../../program/counted.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import {
  apiKeyExpiry,
  parseCertificate,
  type ConnectionSettings,
} from '../../temporal/connection-settings.ts';
import type { PayloadKeyRing } from '../../temporal/payload-keys.ts';
import { readQueueWorkers, queueProblem } from '../../temporal/queue-workers.ts';
import { checkSearchAttributes } from '../../temporal/search-attributes.ts';
import { temporalFailed } from '../../temporal/temporal-error.ts';
import { ASSUMPTIONS } from '../capacity/estimate.ts';
import { checkVisibility } from './check-visibility.ts';
import { failed, fromError, ok, span, warning, type Finding } from './finding.ts';

/**
 * Checks the server, the namespace's search attributes and retention, its visibility, and the task queue. Never throws.
 *
 * @param topicRetentionMs how long the topic keeps a message; undefined when unknown
 */
export async function checkTemporal(
  env: Environment,
  topicRetentionMs: number | undefined,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    const { temporal } = readSettings(ORDERS_ROLE, env);
    const target = temporalTarget(env);
    const client = await connectTemporal(target);
    /** Runs one check. The others still run when it fails, as it does for a missing permission. */
    const check = async (name: string, run: (name: string) => Promise<Finding>) => {
      findings.push(
        await run(name).catch((error: unknown) =>
          fromError(name, temporalFailed(target, error), ''),
        ),
      );
    };
    try {
      await check('Temporal', async (name) => {
        const { serverVersion } = await client.workflowService.getSystemInfo({});
        return ok(name, `${serverVersion} at ${target.address}, namespace "${target.namespace}"`);
      });
      findings.push(...checkCredentials(target.settings, Date.now()));
      await check('Temporal: payload encryption', (name) =>
        Promise.resolve(checkEncryption(name, target.codec.keys)),
      );
      await check('Temporal: search attributes', (name) => checkAttributes(name, client));
      findings.push(...(await checkVisibility(env, client)));
      await check('Temporal: retention', (name) => checkRetention(name, client, topicRetentionMs));
      await check('Temporal: workers', (name) => checkPollers(name, client, temporal.taskQueue));
      findings.push(...(await checkPartitions(client, temporal.taskQueue)));
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    findings.push(
      fromError('Temporal', error, 'check TEMPORAL_ADDRESS and that the server is running'),
    );
  }
  return findings;
}

const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

/** Warns of credentials that expire soon, and of an API key that others can read on its way. */
export function checkCredentials(
  { apiKey, tls }: Pick<ConnectionSettings, 'apiKey' | 'tls'>,
  now: number,
): readonly Finding[] {
  const name = 'Temporal: credentials';
  const findings: Finding[] = [];
  const certificate = tls?.client?.certificate;
  const expiring: [string, Date | undefined][] = [
    ['the API key', apiKey === undefined ? undefined : apiKeyExpiry(apiKey)],
    [
      `the client certificate of ${certificate?.origin ?? ''}`,
      certificate && new Date(parseCertificate(certificate).validTo),
    ],
  ];
  for (const [what, expiresAt] of expiring) {
    if (expiresAt === undefined) continue;
    const detail = `${what} expires at ${expiresAt.toISOString()}`;
    const isSoon = expiresAt.getTime() - now < SOON_DAYS * DAY_MS;
    findings.push(
      isSoon
        ? warning(name, detail, 'replace the file; running programs read the new one within 5 s')
        : ok(name, detail),
    );
  }
  if (apiKey !== undefined && !tls) {
    findings.push(
      warning(
        name,
        'the API key is sent without encryption',
        'remove TEMPORAL_TLS=false, so that the API key enables TLS',
      ),
    );
  }
  return findings;
}

function checkEncryption(check: string, keys: PayloadKeyRing): Finding {
  const { encrypting, ids } = keys;
  const readable = ids.map((id) => `"${id}"`).join(', ');
  if (encrypting) {
    return ok(check, `the key "${encrypting.id}" encrypts; keys that decrypt: ${readable}`);
  }
  return ok(
    check,
    ids.length === 0
      ? 'off: everyone who may read the namespace can read the orders'
      : `off; keys that decrypt: ${readable}`,
  );
}

async function checkAttributes(check: string, client: Client): Promise<Finding> {
  const state = await checkSearchAttributes(client);
  return state === 'present'
    ? ok(check, 'all are registered')
    : warning(
        check,
        'these credentials do not allow checking whether they are registered',
        "look for SourceTopic, SourcePartition, SourceOffset and FailureType in the namespace's settings (in Temporal Cloud, in its UI)",
      );
}

async function checkRetention(
  check: string,
  client: Client,
  topicRetentionMs: number | undefined,
): Promise<Finding> {
  const { namespace } = client.options;
  const { config } = await client.workflowService.describeNamespace({ namespace });
  const retentionMs = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
  const detail = `workflows can be inspected and re-run for ${span(retentionMs)} after they close`;
  if (topicRetentionMs === undefined || retentionMs >= topicRetentionMs) return ok(check, detail);
  const topic = topicRetentionMs === Number.POSITIVE_INFINITY ? 'forever' : span(topicRetentionMs);
  return warning(
    check,
    `${detail}, but the topic keeps messages ${topic}`,
    `raise it, so that failed workflows do not expire before their messages: temporal operator namespace update --namespace ${namespace} --retention 30d`,
  );
}

async function checkPollers(check: string, client: Client, taskQueue: string): Promise<Finding> {
  const { namespace } = client.options;
  const workers = await readQueueWorkers(client.workflowService, { namespace, taskQueue });
  const problem = queueProblem(workers, taskQueue);
  if (problem) return failed(check, problem.problem, problem.fix);
  const names = [...new Set(workers.pollers.map(({ identity }) => identity))].join(', ');
  return ok(check, `polling the task queue "${taskQueue}": ${names}`);
}

/**
 * Describes the partitions to which new tasks of the queue go (those that workers poll can be more, which the server does
 * not tell), unless the server or the permissions do not allow it. Never throws.
 */
export async function checkPartitions(
  { workflowService, options: { namespace } }: Pick<Client, 'workflowService' | 'options'>,
  taskQueue: string,
): Promise<readonly Finding[]> {
  const check = 'Temporal: task queue';
  try {
    const { workflowTaskQueuePartitions: partitions } =
      await workflowService.listTaskQueuePartitions({ namespace, taskQueue: { name: taskQueue } });
    const detail = `new tasks of "${taskQueue}" go to ${counted(partitions.length, 'partition')}`;
    if (partitions.length < 2) return [ok(check, detail)];
    return [
      ok(
        check,
        `${detail}; up to ${ASSUMPTIONS.tasksPerPartition} orders per second, one is enough and faster. On a server of your own, reduce them in the two steps of docs/temporal-server.md, so that no task is left behind`,
      ),
    ];
  } catch {
    return [];
  }
}
