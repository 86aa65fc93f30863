import { InvalidArgumentError, type Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import type { RoutingProblem } from '../../temporal/queue-workers.ts';
import { isoTime } from '../../temporal/timestamp.ts';
import type { Routing } from '../../temporal/worker-deployment.ts';
import { positiveNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { table } from '../../terminal/table.ts';
import type { Deployment } from './open-deployment.ts';
import type { Rollback } from './rollback.ts';
import type { DeploymentStatus, VersionStatus } from './status.ts';

interface StatusFlags {
  readonly json?: true;
}

interface PromoteFlags extends StatusFlags {
  readonly buildId?: string;
  readonly percentage?: number;
  readonly wait?: true;
  readonly timeout: number;
}

/** How often a wait is reported where there is no terminal, in milliseconds. */
const REPORT_MS = 30_000;

export function addDeployCommand(program: Command): void {
  const deploy = program
    .command('deploy')
    .description('Show and change which version of the workers receives the orders');
  deploy
    .command('status')
    .description(
      'Show the versions of the worker deployment, their share of the orders and their workers',
    )
    .option('--json', 'print the status as a JSON object')
    .addHelpText(
      'after',
      `
Reads TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_TASK_QUEUE. The exit code is 1 if orders are routed to a version
that no worker polls for.

Example:
  order-ingest deploy status`,
    )
    .action(status);
  deploy
    .command('promote')
    .description('Make a version current, or route a share of the orders to it')
    .option('--build-id <id>', 'the version (default: TEMPORAL_BUILD_ID)')
    .option(
      '--percentage <number>',
      'route only this share of the orders to the version, 1 to 100',
      percentage,
    )
    .option('--wait', 'also wait until the version that it replaces is drained')
    .option('--timeout <seconds>', 'how long to wait in total', positiveNumber, 600)
    .option('--json', 'print the result as a JSON object')
    .addHelpText(
      'after',
      `
Waits until workers of the version poll, then changes the routing at once. Safe to repeat. Orders that are
being retried move to the current version with their next attempt, unless they are pinned.

With --wait, you can stop the workers of the previous version once the command succeeds. If unversioned
workers were replaced, wait another minute. Temporal checks every few minutes whether a version is drained, so
this takes some minutes even if no order is open.

Examples:
  order-ingest deploy promote --build-id 1.4.0 --percentage 10
  order-ingest deploy promote --build-id 1.4.0 --wait --timeout 1800`,
    )
    .action(promoteVersion);
  deploy
    .command('rollback')
    .description(
      'Remove the ramp if there is one, or else return to the version that was current before',
    )
    .option('--json', 'print the result as a JSON object')
    .addHelpText(
      'after',
      `
Takes effect immediately, without confirmation. Which version was current before is read from Temporal. Safe to
repeat: a second run changes nothing. It refuses to return to a version that no worker polls for.

Example:
  order-ingest deploy rollback`,
    )
    .action(rollbackVersion);
}

function percentage(text: string): number {
  const number = positiveNumber(text);
  if (number > 100) throw new InvalidArgumentError('expected a whole number from 1 to 100.');
  return number;
}

async function status({ json }: StatusFlags, command: Command): Promise<void> {
  const [{ withDeployment }, { readStatus }] = await Promise.all([
    import('./open-deployment.ts'),
    import('./status.ts'),
  ]);
  const read = await withDeployment(environmentOf(command), readStatus);
  console.log(json ? JSON.stringify(statusAsJson(read)) : statusAsText(read));
  if (read.problem) process.exitCode = 1;
}

async function promoteVersion(flags: PromoteFlags, command: Command): Promise<void> {
  const { percentage: percent, wait, timeout, json } = flags;
  if (wait && percent !== undefined) {
    throw new OperatorError(
      'ARGUMENT_INVALID',
      '--wait and --percentage exclude each other: a ramp replaces no version',
      'leave one of them out',
    );
  }
  const [{ withDeployment, versionName }, { promote, untilDrained }] = await Promise.all([
    import('./open-deployment.ts'),
    import('./promote.ts'),
  ]);
  await withDeployment(environmentOf(command), async (deployment) => {
    const buildId = flags.buildId ?? deployment.buildId;
    if (buildId === undefined) throw noBuildId();
    const deadline = Date.now() + timeout * 1000;
    const { changed, replaced, routing, isPropagating } = await promote(
      deployment,
      buildId,
      percent,
      deadline,
      () => {
        console.error(`waiting until workers of version ${buildId} poll`);
      },
    );
    if (!json) {
      const already = changed ? '' : 'already ';
      const share =
        percent === undefined
          ? `is ${already}current`
          : `${already}receives ${percent} % of the orders`;
      const replacement =
        changed && percent === undefined
          ? `; it has replaced ${versionName(replaced.buildId)}`
          : '';
      console.log(`version ${buildId} ${share}${replacement}`);
      if (percent === undefined && routing.ramping) console.log(rampNote(routing.ramping));
    }
    if (isPropagating) console.error(PROPAGATION_NOTE);
    let drained = false;
    try {
      if (wait && replaced.buildId !== undefined) {
        await waitUntilDrained(deployment, replaced.buildId, deadline);
        drained = true;
      } else if (wait) console.error(undrainedNote(changed, buildId));
    } finally {
      // The routing has changed even if the wait fails.
      if (json) {
        console.log(
          JSON.stringify({
            deployment: deployment.name,
            buildId,
            changed,
            replaced: percent === undefined ? (replaced.buildId ?? null) : null,
            ...routingAsJson(routing),
            propagated: !isPropagating,
            ...(wait ? { drained } : {}),
          }),
        );
      }
    }
    if (drained && !json) {
      console.log(`version ${replaced.buildId ?? ''} is drained: its workers can be stopped`);
    }
  });

  async function waitUntilDrained(
    deployment: Deployment,
    replaced: string,
    deadline: number,
  ): Promise<void> {
    const line = createProgressLine();
    let reportedAt = 0;
    try {
      await untilDrained(deployment, replaced, deadline, (text) => {
        if (process.stderr.isTTY) line.show(text);
        else if (Date.now() - reportedAt >= REPORT_MS) {
          reportedAt = Date.now();
          console.error(text);
        }
      });
    } finally {
      line.clear();
    }
  }
}

const PROPAGATION_NOTE =
  'warning: Temporal has accepted the routing, but not all of its task queues follow yet; until they do, orders may be routed as before. Run the command again to wait for them';

/** Why `--wait` does not wait. */
const undrainedNote = (changed: boolean, buildId: string) =>
  changed
    ? 'unversioned workers were replaced, and Temporal does not report when they are drained: wait another minute before you stop them'
    : `version ${buildId} was current already, and Temporal has no record of a version that it replaced: there is no drain to wait for`;

const noBuildId = () =>
  new OperatorError(
    'SETTINGS_INVALID',
    'No version is named: TEMPORAL_BUILD_ID is not set, and --build-id was not given',
    'name the version: order-ingest deploy promote --build-id ID',
  );

const rampNote = ({ buildId, percent }: NonNullable<Routing['ramping']>) =>
  `${buildId === undefined ? 'unversioned workers still receive' : `version ${buildId} still receives`} ${percent} % of the orders; \`order-ingest deploy rollback\` ends that`;

async function rollbackVersion({ json }: StatusFlags, command: Command): Promise<void> {
  const [{ withDeployment, versionName }, { rollBack }] = await Promise.all([
    import('./open-deployment.ts'),
    import('./rollback.ts'),
  ]);
  await withDeployment(environmentOf(command), async (deployment) => {
    const done = await rollBack(deployment);
    console.log(
      json
        ? JSON.stringify({
            deployment: deployment.name,
            changed: done.plan.kind !== 'rolled-back',
            action: done.plan.kind,
            before: routingAsJson(done.before),
            after: routingAsJson(done.after),
            propagated: !done.isPropagating,
          })
        : rollbackAsText(done, versionName),
    );
    if (done.isPropagating) console.error(PROPAGATION_NOTE);
    if (done.isUnpolled) {
      console.error(
        `warning: no worker of ${versionName(done.after.current)} polls the task queue "${deployment.taskQueue}": orders wait in Temporal. \`order-ingest deploy status\` has the fix`,
      );
    }
  });
}

function rollbackAsText(
  { plan, before, after }: Rollback,
  versionName: (buildId: string | undefined) => string,
): string {
  const current = versionName(after.current);
  switch (plan.kind) {
    case 'remove-ramp':
      return `removed the ramp of ${versionName(plan.buildId)}, which received ${plan.percent} % of the orders; all orders are routed to ${current}`;
    case 'make-current':
      return `all orders are routed to ${current}, as before ${versionName(before.current)} became current`;
    case 'rolled-back':
      return `nothing to roll back: the latest change was a rollback already, and all orders are routed to ${current}. To route them to another version, run \`order-ingest deploy promote --build-id ID\``;
    default:
      return plan satisfies never;
  }
}

function statusAsText({
  deployment,
  taskQueue,
  versions,
  unversionedWorkers,
  problem,
}: DeploymentStatus) {
  const rows = versions.map((version) => [
    version.buildId,
    version.state,
    version.percent === undefined ? '' : `${version.percent} %`,
    String(version.workers),
    version.pinned === undefined ? '' : String(version.pinned),
    isoTime(version.activatedAt) ?? 'never',
    drainage(version),
  ]);
  const header = [
    'version',
    'state',
    'orders',
    'workers',
    'pinned',
    'first active',
    'drainage checked',
  ];
  return [
    `deployment "${deployment}", task queue "${taskQueue}"`,
    table(header, rows, { alignRight: [2, 3, 4] }),
    ...(unversionedWorkers.workers > 0 || unversionedWorkers.percent > 0
      ? [
          `unversioned workers: ${unversionedWorkers.workers}, with ${unversionedWorkers.percent} % of the orders`,
        ]
      : []),
    ...(problem ? [problemText(problem)] : []),
  ].join('\n');
}

const problemText = ({ problem, fix }: RoutingProblem) => `✖ ${problem}\n    Fix: ${fix}.`;

const drainage = ({ state, drainageCheckedAt }: VersionStatus): string =>
  state === 'draining' || state === 'drained' ? (isoTime(drainageCheckedAt) ?? 'never') : '';

const statusAsJson = ({ versions, problem, ...rest }: DeploymentStatus) => ({
  ...rest,
  versions: versions.map((version) => ({
    buildId: version.buildId,
    state: version.state,
    percent: version.percent ?? 0,
    workers: version.workers,
    pinned: version.pinned ?? null,
    firstActiveAt: isoTime(version.activatedAt) ?? null,
    deactivatedAt: isoTime(version.deactivatedAt) ?? null,
    drainageCheckedAt: isoTime(version.drainageCheckedAt) ?? null,
  })),
  problem: problem?.problem ?? null,
  remedy: problem?.fix ?? null,
});

/** `null` stands for unversioned workers. */
const routingAsJson = ({ current, ramping }: Routing) => ({
  current: current ?? null,
  ramping: ramping ? { buildId: ramping.buildId ?? null, percent: ramping.percent } : null,
});
