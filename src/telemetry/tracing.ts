import { setTimeout as delay } from 'node:timers/promises';
import {
  context,
  isSpanContextValid,
  propagation,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
  type TextMapGetter,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describeError, OperatorError } from '../program/operator-error.ts';

/*
 * Starting OpenTelemetry's SDK. It is loaded only when traces are exported; otherwise every span is a
 * no-op.
 */

const STOP_TIMEOUT_MS = 2000;

type TracingEnvironment = Readonly<Record<string, string | undefined>>;

/** What is needed to export spans that tracers of this process did not create, as those of workflows. */
export interface Tracing {
  readonly processor: SpanProcessor;
  readonly resource: Resource;
  /** Exports the remaining spans, for at most two seconds. */
  stop(): Promise<void>;
}

/**
 * Starts OpenTelemetry's SDK for this process if the environment names an exporter or an OTLP endpoint;
 * returns undefined otherwise. The standard `OTEL_*` variables configure it: exporter, endpoint, protocol,
 * headers, sampler, limits, batches and resource. Context is propagated as W3C Trace Context.
 *
 * Throws an OperatorError for an unsupported exporter or protocol.
 */
export async function startTracing(
  env: TracingEnvironment,
  serviceName: string,
): Promise<Tracing | undefined> {
  if (!isTracingEnabled(env)) return undefined;
  // The SDK reads its variables from process.env, which lacks those of --env-file.
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('OTEL_') && value) process.env[name] = value;
  }
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
  const { W3CTraceContextPropagator } = await import('@opentelemetry/core');
  const { defaultResource, detectResources, envDetector, hostDetector, resourceFromAttributes } =
    await import('@opentelemetry/resources');
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName }))
    .merge(detectResources({ detectors: [hostDetector, envDetector] }));
  const processor = new BatchSpanProcessor(await createExporter(env));
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({ propagator: new W3CTraceContextPropagator() });
  return { processor, resource, stop: () => stopInTime(provider.shutdown()) };
}

function isTracingEnabled(env: TracingEnvironment): boolean {
  if (env['OTEL_SDK_DISABLED'] === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER'];
  if (exporter) return exporter !== 'none';
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}

/** A collector that does not answer would otherwise delay the end of the program by 30 seconds. */
async function stopInTime(stopped: Promise<void>): Promise<void> {
  const limit = delay(STOP_TIMEOUT_MS, undefined, { ref: false });
  await Promise.race([stopped.catch(() => undefined), limit]);
}

async function createExporter(env: TracingEnvironment): Promise<SpanExporter> {
  const exporter = env['OTEL_TRACES_EXPORTER'] || 'otlp';
  if (exporter === 'console') {
    const { ConsoleSpanExporter } = await import('@opentelemetry/sdk-trace-base');
    return new ConsoleSpanExporter();
  }
  if (exporter !== 'otlp') {
    throw unsupported('OTEL_TRACES_EXPORTER', exporter, 'otlp, console or none');
  }
  const protocol =
    env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ||
    env['OTEL_EXPORTER_OTLP_PROTOCOL'] ||
    'http/protobuf';
  switch (protocol) {
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
    case 'grpc':
      return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
    default:
      throw unsupported(
        'OTEL_EXPORTER_OTLP_PROTOCOL',
        protocol,
        'http/protobuf, http/json or grpc',
      );
  }
}

const unsupported = (name: string, value: string, supported: string) =>
  new OperatorError(
    'SETTINGS_INVALID',
    `${name} is "${value}", which is not supported`,
    `set it to ${supported}`,
  );

/*
 * Spans, and the context that connects them. None of this needs the SDK.
 */

export interface SpanDescription {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** Defaults to the active span. */
  readonly parent?: Context;
}

const tracer = trace.getTracer('order-ingest');

/** Runs `work` within a span. The span ends with it, and is marked as failed if `work` throws. */
export function inSpan<Result>(
  { name, kind, attributes, parent }: SpanDescription,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return tracer.startActiveSpan(
    name,
    { kind, attributes },
    parent ?? context.active(),
    async (span) => {
      try {
        return await work(span);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) });
        throw error;
      } finally {
        span.end();
      }
    },
  );
}

/** Adds attributes to the active span, if there is one. */
export const markActiveSpan = (attributes: Attributes): void => {
  trace.getActiveSpan()?.setAttributes(attributes);
};

/** Headers by name, as kafkajs passes them to consumers. */
type HeadersByName = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>;
type HeaderValue = Buffer | string | null;

const HEADERS_GETTER: TextMapGetter<HeadersByName> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => {
    const value = headers[name];
    return (Array.isArray(value) ? value.at(-1) : value)?.toString();
  },
};

/** The context that the producer has written into the headers (W3C Trace Context: `traceparent`). */
export const contextOf = (headers: HeadersByName): Context =>
  propagation.extract(context.active(), headers, HEADERS_GETTER);

/** The active context as W3C headers; undefined when nothing is traced. */
export function activeTraceHeaders(): Readonly<Record<string, string>> | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return 'traceparent' in carrier ? carrier : undefined;
}

/** IDs of the active span, named as in OpenTelemetry's log conventions; empty when nothing is traced. */
export function activeTraceIds(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
