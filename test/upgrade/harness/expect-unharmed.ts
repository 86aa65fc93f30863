import proto from '@temporalio/proto';
import pMap from 'p-map';
import { expectNothingLost } from '../../fault/harness/expect-nothing-lost.ts';
import type { LoadedWorld } from '../../fault/harness/world.ts';
import { nondeterminismLogged, type LoadedSystem } from './loaded-system.ts';

const { EventType, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

type Upgraded = LoadedWorld & Pick<LoadedSystem, 'programs'>;

/** What the histories of all workflows show. */
export interface Histories {
  readonly count: number;
  /** The causes of failed workflow tasks, except that a worker shut down. */
  readonly failedTasks: readonly string[];
  /** How many orders have taken the new path of test/workflow/changes/. */
  readonly patched: number;
  /** How many orders ran on two or more builds. */
  readonly moved: number;
}

/**
 * The check at the end of an upgrade: every message has its outcome, no workflow has failed except those of
 * invalid orders, no workflow task has failed for a reason such as non-determinism, and no program has
 * logged one. Returns what the histories show, so that a test can check that it tested something.
 */
export async function expectUnharmed(world: Upgraded): Promise<Histories> {
  await expectNothingLost(world);
  const histories = await readHistories(world);
  expect(histories.failedTasks).toEqual([]);
  expect(nondeterminismLogged(world.programs)).toEqual([]);
  expect(await unexpectedOutcomes(world)).toEqual([]);
  return histories;
}

export async function readHistories({ system }: LoadedWorld): Promise<Histories> {
  const { client } = system;
  const ids: string[] = [];
  const query = `WorkflowId STARTS_WITH '${system.workflowId('')}'`;
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  const failedTasks: string[] = [];
  let patched = 0;
  let moved = 0;
  await pMap(
    ids,
    async (id) => {
      const { events } = await client.workflow.getHandle(id).fetchHistory();
      const builds = new Set<string>();
      for (const { eventType, ...event } of events ?? []) {
        if (eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) {
          const { cause, failure } = event.workflowTaskFailedEventAttributes ?? {};
          failedTasks.push(
            `${id}: ${WorkflowTaskFailedCause[cause ?? 0] ?? ''} ${failure?.message ?? ''}`,
          );
        }
        if (event.markerRecordedEventAttributes?.markerName === 'core_patch') patched += 1;
        const version = event.workflowTaskCompletedEventAttributes?.deploymentVersion;
        if (version?.buildId) builds.add(version.buildId);
      }
      if (builds.size > 1) moved += 1;
    },
    { concurrency: 8 },
  );
  return { count: ids.length, failedTasks, patched, moved };
}

/** Workflows that are closed, but neither completed nor failed as invalid. */
async function unexpectedOutcomes({ system }: LoadedWorld): Promise<readonly string[]> {
  const unexpected: string[] = [];
  for await (const { workflowId, status } of system.client.workflow.list({
    query: `WorkflowId STARTS_WITH '${system.workflowId('')}' AND ExecutionStatus != 'Completed'`,
  })) {
    const isInvalid = workflowId.startsWith(system.workflowId('invalid-'));
    if (!(isInvalid && status.name === 'FAILED')) unexpected.push(`${workflowId}: ${status.name}`);
  }
  return unexpected;
}
