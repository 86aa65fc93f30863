import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { readSettings, type Environment } from '../config/read-settings.ts';
import { ORDERS_ROLE } from '../config/roles.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget } from '../temporal/connection-options.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { failed, failedBy, ok, span, warning, type Finding } from './finding.ts';

/** A poll lasts a minute at the most; a poller that has not come back since is gone. */
const POLLER_LIVES_MS = 90_000;

/**
 * Looks at the server, the namespace, its search attributes and retention, and the task queue. Never
 * throws.
 *
 * @param topicRetentionMs how long the topic keeps a message, if known
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
    try {
      const { serverVersion } = await client.workflowService.getSystemInfo({});
      findings.push(
        ok('Temporal', `${serverVersion} at ${target.address}, namespace "${target.namespace}"`),
        await checkAttributes(client),
        await checkRetention(client, topicRetentionMs),
        await checkPollers(client, temporal.taskQueue),
      );
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    const remedy = 'check TEMPORAL_ADDRESS and that the server runs';
    findings.push(failedBy('Temporal', error, remedy));
  }
  return findings;
}

async function checkAttributes(client: Client): Promise<Finding> {
  const check = 'Temporal: search attributes';
  try {
    await checkSearchAttributes(client);
    return ok(check, 'all are there');
  } catch (error) {
    return failedBy(check, error, 'run `order-ingest setup --only temporal`');
  }
}

async function checkRetention(
  client: Client,
  topicRetentionMs: number | undefined,
): Promise<Finding> {
  const check = 'Temporal: retention';
  const { namespace } = client.options;
  const { config } = await client.workflowService.describeNamespace({ namespace });
  const retentionMs = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
  const detail = `an order can be seen and run again for ${span(retentionMs)} after its end`;
  if (topicRetentionMs === undefined || retentionMs >= topicRetentionMs) return ok(check, detail);
  const topic = topicRetentionMs === Number.POSITIVE_INFINITY ? 'for ever' : span(topicRetentionMs);
  return warning(
    check,
    `${detail}, but the topic keeps messages ${topic}`,
    `raise it, so that failed orders are not forgotten first: temporal operator namespace update --namespace ${namespace} --retention 30d`,
  );
}

async function checkPollers(client: Client, taskQueue: string): Promise<Finding> {
  const check = 'Temporal: workers';
  const { TaskQueueType } = proto.temporal.api.enums.v1;
  const { namespace } = client.options;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  const live = pollers.filter(
    ({ lastAccessTime }) =>
      Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < POLLER_LIVES_MS,
  );
  const names = [...new Set(live.map(({ identity }) => identity))].join(', ');
  return live.length > 0
    ? ok(check, `polling the task queue "${taskQueue}": ${names}`)
    : failed(
        check,
        `nobody polls the task queue "${taskQueue}": orders wait in Temporal`,
        'start a worker: `order-ingest worker`; bridge and worker need the same TEMPORAL_TASK_QUEUE',
      );
}
