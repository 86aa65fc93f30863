import { once } from 'node:events';
import * as restate from '@restatedev/restate-sdk';
import { createIngest, OrderFailure, readProgramEnv, readVariable } from './ingest.ts';

/**
 * A virtual object per order, whose key is that of the message (https://docs.restate.dev/services/invocation/kafka).
 * The events come as bytes, because a message need not be JSON. All settings have their defaults: an error is
 * retried with a growing pause, and after 70 attempts the invocation is paused. An order that cannot be stored
 * is a terminal error (https://docs.restate.dev/guides/error-handling). Ends on SIGTERM.
 */
const { topic, databaseUrl } = readProgramEnv();
const orders = createIngest(databaseUrl);

const order = restate.object({
  name: 'order',
  handlers: {
    ingest: restate.handlers.object.exclusive(
      { input: restate.serde.binary },
      async (context, value: Uint8Array) => {
        const { headers } = context.request();
        const source = {
          topic,
          partition: Number(headers.get('kafka.partition')),
          offset: headers.get('kafka.offset') ?? '',
        };
        return context.run('ingest', async () => {
          try {
            return await orders.ingest(new TextDecoder().decode(value), source);
          } catch (error) {
            if (error instanceof OrderFailure) throw new restate.TerminalError(error.message);
            throw error;
          }
        });
      },
    ),
  },
});

await restate.serve({ services: [order], port: Number(readVariable('SERVICE_PORT')) });
console.log('ready');
await once(process, 'SIGTERM');
process.exit();
