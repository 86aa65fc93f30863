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
import { describeError } from '../program/operator-error.ts';

export interface SpanDescription {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** The span that is active now, if left out. */
  readonly parent?: Context;
}

const tracer = trace.getTracer('order-ingest');

/** Does the work within a span, which ends with it, and is marked as failed when the work throws. */
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

/** Headers of a message, as Kafka's clients give them. */
type HeaderValue = Buffer | string | null;
type Headers = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>;

const HEADERS_GETTER: TextMapGetter<Headers> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => {
    const value = headers[name];
    return (Array.isArray(value) ? value.at(-1) : value)?.toString();
  },
};

/** The context of whoever has written these headers (W3C Trace Context: `traceparent`). */
export const contextOf = (headers: Headers): Context =>
  propagation.extract(context.active(), headers, HEADERS_GETTER);

/** The active context as W3C headers; undefined when nothing is traced. */
export function activeTraceHeaders(): Readonly<Record<string, string>> | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return 'traceparent' in carrier ? carrier : undefined;
}

/** Of the active span, by the names of OpenTelemetry's log conventions; empty when nothing is traced. */
export function activeTraceIds(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
