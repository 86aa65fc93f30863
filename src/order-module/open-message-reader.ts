import type { Settings } from '../config/read-settings.ts';
import type { READER_ROLE } from '../config/roles.ts';
import { loadOrderModule } from './load-order-module.ts';
import { createMessageReader, type MessageReader } from './message-reader.ts';

/** Opens a reader of messages as the settings say. Throws an OperatorError if the order module is unusable. */
export async function openMessageReader({
  order,
}: Settings<typeof READER_ROLE>): Promise<MessageReader> {
  return createMessageReader(await loadOrderModule(order.module));
}
