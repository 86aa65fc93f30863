import {
  createTraceState,
  propagation,
  context,
  SpanKind,
  type Attributes,
  type Context as TraceContext,
  type SpanContext,
} from '@opentelemetry/api';
import type { Context as ActivityContext } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
// Types only: see below.
import type { OpenTelemetryWorkflowExporter } from '@temporalio/interceptors-opentelemetry-v2';
import type { ActivityExecuteInput, ActivityInterceptors, WorkerOptions } from '@temporalio/worker';
import { TRACE_HEADER } from '../contract/workflow-metadata.ts';
import { inSpan, type Tracing } from '../telemetry/tracing.ts';

/*
 * The worker's half of tracing. The other half, the interceptors that create spans within the workflow
 * sandbox, is `@temporalio/interceptors-opentelemetry-v2`, which the build puts into the traced bundle.
 * That package is a development dependency. As a dependency it would make npm install a second copy of
 * the SDK: its newest version, 1.23.0, accepts no other version of the SDK than 1.23.0, and the overrides
 * in package.json apply to this repository only.
 */

/** A span as it leaves the workflow sandbox. */
type WorkflowSpan = Parameters<OpenTelemetryWorkflowExporter['export']>[0][number];

/**
 * Propagates the trace from a workflow to its activities, and exports the spans that the traced bundle
 * creates within the workflow sandbox.
 */
export const workflowTracing = ({
  processor,
  resource,
}: Tracing): Required<Pick<WorkerOptions, 'interceptors' | 'sinks'>> => ({
  interceptors: { activity: [traceActivity] },
  sinks: {
    exporter: {
      export: {
        fn: (workflow, spans: readonly WorkflowSpan[]) => {
          for (const { spanContext, parentSpanContext, ...span } of spans) {
            const ownContext = withTraceState(spanContext);
            processor.onEnd({
              ...span,
              spanContext: () => ownContext,
              ...(parentSpanContext && { parentSpanContext: withTraceState(parentSpanContext) }),
              attributes: { ...span.attributes, ...plainAttributes(workflow) },
              resource,
            });
          }
        },
      },
    },
  },
});

/** Runs each attempt of an activity in a span below the one that the workflow has scheduled it in. */
const traceActivity = ({ info }: ActivityContext): ActivityInterceptors => ({
  inbound: {
    execute: (input, next) =>
      inSpan(
        {
          name: `RunActivity:${info.activityType}`,
          kind: SpanKind.INTERNAL,
          attributes: {
            temporalActivityId: info.activityId,
            ...(info.workflowExecution && {
              temporalWorkflowId: info.workflowExecution.workflowId,
              run_id: info.workflowExecution.runId,
            }),
          },
          parent: traceContextOf(input),
        },
        async (span) => {
          try {
            return await next(input);
          } catch (error) {
            span.recordException(error instanceof Error ? error : String(error));
            throw error;
          }
        },
      ),
  },
});

function traceContextOf({ headers }: ActivityExecuteInput): TraceContext {
  const header = headers[TRACE_HEADER];
  if (header === undefined) return context.active();
  return propagation.extract(context.active(), defaultPayloadConverter.fromPayload(header));
}

/** Only JSON leaves the sandbox: there, the trace state is a string. */
function withTraceState({ traceState, ...rest }: WorkflowSpan['spanContext']): SpanContext {
  return traceState ? { ...rest, traceState: createTraceState(traceState) } : rest;
}

/** What is a valid attribute of a span: the workflow's ID, run ID, type and so on, but no objects. */
function plainAttributes(workflow: object): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(workflow) as [string, unknown][]) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      attributes[name] = value;
    }
  }
  return attributes;
}
