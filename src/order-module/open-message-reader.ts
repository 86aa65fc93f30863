import type { Settings } from '../config/read-settings.ts';
import type { READER_ROLE } from '../config/roles.ts';
import type { OrderModule } from '../contract/order-module.ts';
import { openValueDecoder } from '../decode/open-value-decoder.ts';
import { loadWithOrigin, type OrderModuleOrigin } from './load-order-module.ts';
import { createMessageReader, type MessageReader } from './message-reader.ts';

/** A reader of messages, with its order module and what a program logs about that. */
export interface OpenedMessageReader extends MessageReader {
  readonly orderModule: OrderModule;
  readonly origin: OrderModuleOrigin;
}

/**
 * Opens a reader of messages as the settings say. Throws an OperatorError if the order module, or a certificate of
 * the schema registry, is unusable.
 */
export async function openMessageReader(
  settings: Settings<typeof READER_ROLE>,
): Promise<OpenedMessageReader> {
  const { order, value } = settings;
  const isText = value.format === 'json' || value.format === 'json-schema';
  const { orderModule, origin } = await loadWithOrigin(order.module);
  const reader = createMessageReader(
    orderModule,
    await openValueDecoder(settings),
    // In an envelope, the order can be a string, in which quotes are escaped.
    isText && value.payloadPointer === undefined,
  );
  return { ...reader, orderModule, origin };
}
