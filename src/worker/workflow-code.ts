import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../telemetry/tracing.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * The code of the workflows. In dist/ it is the bundle created by the build, so that all workers of a
 * version run the same code and start fast; in src/ it is the sources. The traced bundle also creates
 * spans within the workflow, and issues the same commands to the server.
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
 * Propagates the trace from a workflow to its activities, and exports the spans that the traced bundle
 * creates within the workflow sandbox.
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
