import { SpanKind } from '@opentelemetry/api';
import { contextOf, inSpan } from '../telemetry/tracing.ts';
import type { IngestMessage } from './ingest-message.ts';

/**
 * Sees each message to its end within a span `consume_order`, as a child of the producer's span where
 * the headers name one. Attributes by OpenTelemetry's conventions for messaging.
 */
export const withConsumeSpan =
  (groupId: string, handleMessage: IngestMessage): IngestMessage =>
  (message, place, signal) =>
    inSpan(
      {
        name: 'consume_order',
        kind: SpanKind.CONSUMER,
        parent: contextOf(message.headers ?? {}),
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.type': 'process',
          'messaging.operation.name': 'consume_order',
          'messaging.destination.name': place.topic,
          'messaging.destination.partition.id': String(place.partition),
          'messaging.kafka.offset': Number(message.offset),
          'messaging.consumer.group.name': groupId,
        },
      },
      async (span) => {
        const outcome = await handleMessage(message, place, signal);
        span.setAttribute('order_ingest.outcome', outcome.kind);
        return outcome;
      },
    );
