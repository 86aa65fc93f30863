import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../telemetry/tracing.ts';

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
