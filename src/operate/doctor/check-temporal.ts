import type { Client } from '@temporalio/client';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { ORDERS_ROLE } from '../../config/roles.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import { readQueueWorkers, routingProblem } from '../../temporal/queue-workers.ts';
import { checkSearchAttributes } from '../../temporal/search-attributes.ts';
import { temporalFailed } from '../../temporal/temporal-error.ts';
import { failed, fromError, ok, span, warning, type Finding } from './finding.ts';

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
    /** A call that is refused fails its own check, and says nothing about the others. */
    const look = async (check: string, examine: (check: string) => Promise<Finding>) => {
      findings.push(
        await examine(check).catch((error: unknown) =>
          fromError(check, temporalFailed(target, error), ''),
        ),
      );
    };
    try {
      await look('Temporal', async (check) => {
        const { serverVersion } = await client.workflowService.getSystemInfo({});
        return ok(check, `${serverVersion} at ${target.address}, namespace "${target.namespace}"`);
      });
      await look('Temporal: search attributes', (check) => checkAttributes(check, client));
      await look('Temporal: retention', (check) => checkRetention(check, client, topicRetentionMs));
      await look('Temporal: workers', (check) => checkPollers(check, client, temporal.taskQueue));
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    const remedy = 'check TEMPORAL_ADDRESS and that the server runs';
    findings.push(fromError('Temporal', error, remedy));
  }
  return findings;
}

async function checkAttributes(check: string, client: Client): Promise<Finding> {
  const state = await checkSearchAttributes(client);
  return state === 'present'
    ? ok(check, 'all are there')
    : warning(
        check,
        'these credentials do not show whether they are there',
        "look for SourceTopic, SourcePartition, SourceOffset and FailureType in the namespace's settings, in Temporal Cloud in its UI",
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
  const detail = `an order can be seen and run again for ${span(retentionMs)} after its end`;
  if (topicRetentionMs === undefined || retentionMs >= topicRetentionMs) return ok(check, detail);
  const topic = topicRetentionMs === Number.POSITIVE_INFINITY ? 'for ever' : span(topicRetentionMs);
  return warning(
    check,
    `${detail}, but the topic keeps messages ${topic}`,
    `raise it, so that failed orders are not forgotten first: temporal operator namespace update --namespace ${namespace} --retention 30d`,
  );
}

async function checkPollers(check: string, client: Client, taskQueue: string): Promise<Finding> {
  const { namespace } = client.options;
  const workers = await readQueueWorkers(client.workflowService, { namespace, taskQueue });
  if (workers.pollers.length === 0) {
    return failed(
      check,
      `nobody polls the task queue "${taskQueue}": orders wait in Temporal`,
      'start a worker: `order-ingest worker`; bridge and worker need the same TEMPORAL_TASK_QUEUE',
    );
  }
  const routing = routingProblem(workers, taskQueue);
  if (routing) return failed(check, routing.problem, routing.fix);
  const names = [...new Set(workers.pollers.map(({ identity }) => identity))].join(', ');
  return ok(check, `polling the task queue "${taskQueue}": ${names}`);
}
