import { fingerprintOfOrder } from '../../src/order/fingerprint.ts';
import type { OrderRecord, OrderStore, StoreOutcome } from '../../src/order/order-store.ts';

/** An order store without a database, for tests of the workflow. It passes the tests of every order store. */
export function createInMemoryOrderStore(): OrderStore & {
  readonly records: Map<string, OrderRecord>;
} {
  const records = new Map<string, OrderRecord>();
  return {
    records,
    store(record) {
      return Promise.resolve(storeIn(records, record));
    },
  };
}

function storeIn(records: Map<string, OrderRecord>, record: OrderRecord): StoreOutcome {
  const stored = records.get(record.order.orderId);
  if (!stored) {
    if (record.order.customerName.includes('\0')) return { kind: 'rejected', reason: 'NUL' };
    records.set(record.order.orderId, record);
    return { kind: 'stored' };
  }
  return fingerprintOfOrder(stored.order) === fingerprintOfOrder(record.order)
    ? { kind: 'already-stored' }
    : { kind: 'conflict', storedFrom: stored.source };
}
