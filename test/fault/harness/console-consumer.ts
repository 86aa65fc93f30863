import path from 'node:path';
import { execa } from 'execa';
import { QUICK_START } from '../../../dev/stack/java.ts';
import { kafkaLibraries } from '../../support/kafka-libraries.ts';

/** A message, as printed by Kafka's console consumer. */
export interface ConsoleMessage {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

const SEPARATOR = '\u0001';

/**
 * Reads a whole topic with Kafka's Java client, which shares no code with the bridge. The messages must not
 * contain line feeds, and the topic no transactions.
 *
 * @param count the number of messages on the topic
 */
export async function readByConsoleConsumer(
  brokers: string,
  topic: string,
  count: number,
): Promise<readonly ConsoleMessage[]> {
  const property = (name: string, value: string) => ['--property', `${name}=${value}`];
  const output = await runConsoleConsumer(
    brokers,
    topic,
    count,
    ...['--from-beginning', '--isolation-level', 'read_committed'],
    ...['timestamp', 'partition', 'offset', 'headers', 'key', 'value'].flatMap((what) =>
      property(`print.${what}`, 'true'),
    ),
    ...property('key.separator', SEPARATOR),
    ...property('headers.separator', '\u0002'),
  );
  return output.split('\n').filter(Boolean).map(parseLine);
}

/** Returns what the console consumer prints for as many records. */
export async function runConsoleConsumer(
  brokers: string,
  topic: string,
  count: number,
  ...args: readonly string[]
): Promise<string> {
  if (count === 0) return '';
  const { stdout } = await execa('java', [
    ...[...QUICK_START, '-cp', path.join(await kafkaLibraries(), '*')],
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    ...['--bootstrap-server', brokers, '--topic', topic],
    // It exits after the last record; the timeout is for a record that never arrives.
    ...['--max-messages', String(count), '--timeout-ms', '60000'],
    ...args,
  ]);
  return stdout;
}

function parseLine(line: string): ConsoleMessage {
  const [time = '', partition = '', offset = '', headers = '', key = '', ...value] =
    line.split(SEPARATOR);
  return {
    timestamp: Number(time.replace(/\D/g, '')),
    partition: Number(partition.replace(/\D/g, '')),
    offset: Number(offset.replace(/\D/g, '')),
    key,
    value: value.join(SEPARATOR),
    headers: Object.fromEntries(
      headers.split('\u0002').map((header) => {
        const colon = header.indexOf(':');
        return [header.slice(0, colon), header.slice(colon + 1)];
      }),
    ),
  };
}
