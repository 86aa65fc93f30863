import type { OrderRecord, StoreOutcome } from '../../src/contract/order-module.ts';
import type { Order } from '../../src/order/order.ts';
import type { OrderStore } from '../../src/worker/order-store.ts';

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
  const stored = records.get(record.orderId);
  if (!stored) {
    if ((record.order as Order).customerName.includes('\0'))
      return { kind: 'rejected', reason: 'NUL' };
    records.set(record.orderId, record);
    return { kind: 'stored' };
  }
  return stored.fingerprint === record.fingerprint
    ? { kind: 'already-stored' }
    : { kind: 'conflict', storedFrom: stored.source };
}
