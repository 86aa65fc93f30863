import { installKafka } from '../../dev/stack/kafka.ts';
import { NOT_SHOWN } from '../../dev/stack/show-steps.ts';

/**
 * The folder with the jars of Kafka's broker and tools, which is filled if it is not. Whoever starts a broker or
 * one of the tools calls this first, because the stack's own broker may be elsewhere.
 */
export async function kafkaLibraries(): Promise<string> {
  return (await installKafka(NOT_SHOWN)).folder;
}
