import { setTimeout as delay } from 'node:timers/promises';
import type { Resource } from '@opentelemetry/resources';
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OperatorError } from '../program/operator-error.ts';

const STOP_TIMEOUT_MS = 2000;

export type TracingEnvironment = Readonly<Record<string, string | undefined>>;

/** What is needed to send spans that were not made by this process's own tracers. */
export interface Tracing {
  readonly processor: SpanProcessor;
  readonly resource: Resource;
  /** Sends what is left, for two seconds at most. */
  stop(): Promise<void>;
}

/**
 * Whether traces are wanted: an OTLP endpoint is named, or an exporter. Without either nothing of
 * OpenTelemetry's SDK is loaded, and every span is a no-op.
 */
export function isTracingWanted(env: TracingEnvironment): boolean {
  if (env['OTEL_SDK_DISABLED'] === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER'];
  if (exporter) return exporter !== 'none';
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}

/**
 * Registers OpenTelemetry's SDK for the process, as the standard `OTEL_*` variables say: exporter,
 * endpoint, protocol, headers, sampler, limits, batches, resource. Context is carried as W3C Trace
 * Context. Answers undefined when no traces are wanted. Throws an OperatorError for an exporter or a
 * protocol that it does not know.
 */
export async function startTracing(
  env: TracingEnvironment,
  serviceName: string,
): Promise<Tracing | undefined> {
  if (!isTracingWanted(env)) return undefined;
  // The SDK reads its variables from here, and knows nothing of --env-file.
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
  const processor = new BatchSpanProcessor(await exporterOf(env));
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({ propagator: new W3CTraceContextPropagator() });
  return { processor, resource, stop: () => stopInTime(provider.shutdown()) };
}

/** A collector that does not answer would hold up the end of the program for half a minute. */
async function stopInTime(stopped: Promise<void>): Promise<void> {
  const limit = delay(STOP_TIMEOUT_MS, undefined, { ref: false });
  await Promise.race([stopped.catch(() => undefined), limit]);
}

async function exporterOf(env: TracingEnvironment): Promise<SpanExporter> {
  const exporter = env['OTEL_TRACES_EXPORTER'] || 'otlp';
  if (exporter === 'console') {
    const { ConsoleSpanExporter } = await import('@opentelemetry/sdk-trace-base');
    return new ConsoleSpanExporter();
  }
  if (exporter !== 'otlp') throw unknown('OTEL_TRACES_EXPORTER', exporter, 'otlp, console or none');
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
      throw unknown('OTEL_EXPORTER_OTLP_PROTOCOL', protocol, 'http/protobuf, http/json or grpc');
  }
}

const unknown = (name: string, value: string, known: string) =>
  new OperatorError(
    'SETTINGS_INVALID',
    `${name} is "${value}", which is not known here`,
    `set it to ${known}`,
  );
