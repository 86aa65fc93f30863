import type { Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DEPLOY_ROLE } from '../../config/roles.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { callWithRetry } from '../../temporal/call-with-retry.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import { readQueueWorkers, type QueueWorkers } from '../../temporal/queue-workers.ts';
import { grpcErrorOf, temporalFailed } from '../../temporal/temporal-error.ts';
import { readDeployment, type WorkerDeployment } from '../../temporal/worker-deployment.ts';

/** A worker deployment and the task queue that its workers poll. */
export interface Deployment {
  readonly name: string;
  /** `TEMPORAL_BUILD_ID`, if it is set. */
  readonly buildId: string | undefined;
  readonly taskQueue: string;
  readonly client: Client;
  /** Undefined if no worker of the deployment has ever polled. */
  read(): Promise<WorkerDeployment | undefined>;
  readWorkers(): Promise<QueueWorkers>;
}

/** Connects to Temporal while `work` runs. Throws an OperatorError. */
export async function withDeployment<Result>(
  env: Environment,
  work: (deployment: Deployment) => Promise<Result>,
): Promise<Result> {
  const { temporal, deployment } = readSettings(DEPLOY_ROLE, env);
  const { taskQueue } = temporal;
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  const { namespace } = client.options;
  try {
    return await work({
      ...deployment,
      taskQueue,
      client,
      read: () => readDeployment(client, deployment.name),
      readWorkers: () =>
        callWithRetry(client, () =>
          readQueueWorkers(client.workflowService, { namespace, taskQueue }),
        ),
    });
  } catch (error) {
    throw deploymentFailed(target, error);
  } finally {
    await client.connection.close();
  }
}

/** The server's answer while `system.enableDeploymentVersions` is off, with PERMISSION_DENIED. */
const DISABLED = /deployment.* disabled/i;

function deploymentFailed(
  target: { readonly address: string; readonly namespace: string },
  error: unknown,
): unknown {
  const grpcError = grpcErrorOf(error);
  if (!grpcError || error instanceof OperatorError) return error;
  const { code, details } = grpcError;
  if (code === status.UNIMPLEMENTED || DISABLED.test(details)) {
    return new OperatorError(
      'DEPLOYMENTS_UNSUPPORTED',
      `Temporal at ${target.address} does not support worker deployments, or has them disabled: ${details}`,
      'use a server of version 1.29 or later with system.enableDeploymentVersions on, which is its default; or run the workers without TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_BUILD_ID',
      { cause: error },
    );
  }
  if (code === status.FAILED_PRECONDITION) {
    return new OperatorError(
      'DEPLOYMENT_CHANGE_REFUSED',
      `Temporal refused to change the deployment: ${details}`,
      details.includes('ManagerIdentity')
        ? 'another program manages this deployment, for instance the Temporal Worker Controller: deploy with it, or end its management with `temporal worker deployment manager-identity unset`'
        : 'correct what the message names and run the command again',
      { cause: error },
    );
  }
  return temporalFailed(target, error);
}

/** Names a version in a sentence. */
export const versionName = (buildId: string | undefined): string =>
  buildId === undefined ? 'unversioned workers' : `version ${buildId}`;

/** How many workers of the version poll; of unversioned workers if `buildId` is undefined. */
export const countPollers = (
  { pollers }: QueueWorkers,
  deploymentName: string,
  buildId: string | undefined,
): number =>
  pollers.filter(({ version }) =>
    buildId === undefined
      ? version === undefined
      : version?.buildId === buildId && version.deploymentName === deploymentName,
  ).length;

export const deploymentNotFound = ({ name }: Deployment): OperatorError =>
  new OperatorError(
    'DEPLOYMENT_NOT_FOUND',
    `Temporal has no worker deployment "${name}" in this namespace`,
    'check TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_NAMESPACE; a deployment exists as soon as its first worker has polled',
  );
