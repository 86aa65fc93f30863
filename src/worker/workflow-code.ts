import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../telemetry/tracing.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * The workflows: in dist/ as the bundle that the build made, so that every worker of a version runs
 * the same code and starts fast; as sources when this file is one itself. The traced bundle makes
 * spans within the workflow; its commands to the server are the same.
 */
export const workflowCode = ({
  traced,
}: {
  readonly traced: boolean;
}): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> =>
  import.meta.url.endsWith('.ts')
    ? { workflowsPath: here('../workflows/index.ts') }
    : {
        workflowBundle: {
          codePath: here(traced ? '../workflow-bundle-traced.js' : '../workflow-bundle.js'),
        },
      };

/**
 * Carries the trace from a workflow into its activities, and sends the spans that the traced bundle
 * makes within the workflow's sandbox.
 */
export async function workflowTracing({
  processor,
  resource,
}: Tracing): Promise<Pick<WorkerOptions, 'interceptors' | 'sinks'>> {
  const { makeWorkflowExporter, OpenTelemetryActivityInboundInterceptor } =
    await import('@temporalio/interceptors-opentelemetry-v2');
  return {
    interceptors: {
      activity: [(context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) })],
    },
    sinks: { exporter: makeWorkflowExporter(processor, resource) },
  };
}
