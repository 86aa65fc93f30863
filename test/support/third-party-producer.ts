import path from 'node:path';
import { execa } from 'execa';
import { QUICK_START } from '../../dev/stack/java.ts';
import { kafkaLibraries } from './kafka-libraries.ts';
import { stackAddress } from './stack.ts';

/**
 * Sends lines to a topic, compressed, by a client other than kafkajs: `kcat` if it is installed, else Kafka's
 * console producer.
 */
export async function sendByThirdPartyClient(
  topic: string,
  lines: readonly string[],
  codec: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd',
): Promise<void> {
  const input = `${lines.join('\n')}\n`;
  const brokers = stackAddress('KAFKA_BROKERS');
  const { failed } = await execa('kcat', ['-V'], { reject: false });
  if (!failed) {
    await execa('kcat', ['-P', '-b', brokers, '-t', topic, '-z', codec], { input });
    return;
  }
  await execa(
    'java',
    [
      ...[...QUICK_START, '-cp', path.join(await kafkaLibraries(), '*')],
      ...['org.apache.kafka.tools.ConsoleProducer'],
      ...['--bootstrap-server', brokers, '--topic', topic, '--compression-codec', codec],
      // The default of 1.5 s is for machines with time to spare.
      ...['--request-timeout-ms', '30000'],
    ],
    { input },
  );
}
