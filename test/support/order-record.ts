import { fingerprintOfOrder } from '../../src/order/fingerprint.ts';
import type { OrderRecord } from '../../src/order/order-store.ts';
import { translateMessage } from '../../src/order/translate-message.ts';
import { orderText } from './messages.ts';

/** What a worker stores for a valid order with this ID. */
export function orderRecord(id: string): OrderRecord {
  const translation = translateMessage(orderText(id));
  if (translation.kind !== 'translated') throw new Error('not valid');
  const { order } = translation;
  const source = { topic: 'orders', partition: 0, offset: '0' };
  return { order, source, fingerprint: fingerprintOfOrder(order) };
}
