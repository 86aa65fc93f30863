import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { BridgeSettings } from '../config/roles.ts';
import type { MessageProducer } from '../kafka/producer.ts';
import { deadLetterTopicOf } from '../kafka/source-topics.ts';
import type { MessageReader } from '../order-module/message-reader.ts';
import { countOpenOrders, untilClosed } from '../temporal/open-workflows.ts';
import { createDeadLetterWriter } from './dead-letter-writer.ts';
import { Pipeline, type PipelinePorts } from './pipeline.ts';
import { createWorkflowStarter, type WorkflowStarterOptions } from './workflow-starter.ts';

export interface PipelineConnections extends Pick<
  PipelinePorts,
  'readiness' | 'logger' | 'priority' | 'explainTemporal'
> {
  readonly reader: MessageReader;
  readonly client: Client;
  readonly producer: MessageProducer;
  /** The program that starts the workflows, for their histories. */
  readonly identity: string;
  /** As in `WorkflowStarterOptions`. */
  readonly replayId?: string | undefined;
  /** As in `WorkflowStarterOptions`. */
  readonly eagerStarts?: WorkflowStarterOptions['eagerStarts'];
  readonly startDuration?: WorkflowStarterOptions['startDuration'];
}

/** A pipeline that starts workflows in Temporal and writes dead letters to Kafka. Call `stop` when done. */
export function createPipeline(
  settings: BridgeSettings,
  connections: PipelineConnections,
): Pipeline {
  const { client, producer, reader, identity, replayId, eagerStarts, startDuration, ...ports } =
    connections;
  const { bridge, kafka, temporal, payload } = settings;
  return new Pipeline(settings, {
    ...ports,
    reader,
    starter: createWorkflowStarter({
      client,
      reader,
      ...temporal,
      workflowIdKey: payload.workflowIdKey?.current(),
      identity: `${identity}:${process.pid}@${hostname()}`,
      timeoutMs: bridge.startTimeoutMs,
      maxInputBytes: bridge.maxInputBytes,
      replayId,
      eagerStarts,
      startDuration,
    }),
    openOrders: {
      untilClosed: (workflow, signal) => untilClosed(client, workflow, signal),
      count: (dueBy) => countOpenOrders(client, temporal.workflowIdPrefix, dueBy),
    },
    deadLetters: createDeadLetterWriter(producer, (topic) => deadLetterTopicOf(kafka, topic)),
  });
}
