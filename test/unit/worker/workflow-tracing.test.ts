import { SpanStatusCode, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { workflowTracing } from '../../../src/worker/workflow-tracing.ts';

const exporter = new InMemorySpanExporter();
const processor = new SimpleSpanProcessor(exporter);
const provider = new NodeTracerProvider({ spanProcessors: [processor] });
beforeAll(() => {
  provider.register();
});
afterAll(async () => {
  await provider.shutdown();
  trace.disable();
});

/** Runs one attempt of an activity as a traced worker does. */
async function attempt(activity: () => Promise<unknown>): Promise<unknown> {
  const { interceptors } = workflowTracing({
    processor,
    resource: resourceFromAttributes({}),
    stop: () => provider.shutdown(),
  });
  const activities = interceptors.activity ?? [];
  const logger = new DefaultLogger('ERROR');
  return new MockActivityEnvironment({}, { interceptors: activities, logger }).run(activity);
}

test('the span of an attempt that fails has the exception, with its stack', async () => {
  await expect(attempt(() => Promise.reject(new TypeError('no such host')))).rejects.toThrow(
    'no such host',
  );
  const [span] = exporter.getFinishedSpans();
  expect(span).toMatchObject({
    name: expect.stringMatching(/^RunActivity:/),
    status: { code: SpanStatusCode.ERROR, message: 'no such host' },
    events: [
      {
        name: 'exception',
        attributes: {
          'exception.type': 'TypeError',
          'exception.message': 'no such host',
          'exception.stacktrace': expect.stringContaining('workflow-tracing.test'),
        },
      },
    ],
  });
});
