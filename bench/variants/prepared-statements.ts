import { insertOrder } from '../../src/order/sql/insert-order.ts';
import { createStoreLoad } from '../harness/store-load.ts';
import type { Variants } from './variants.ts';

export const preparedStatements: Variants = {
  name: 'prepared-statements',
  what: 'inserts of orders, prepared or parsed and planned every time',
  unit: 'orders/s',
  async prepare() {
    const { pool, measure, close } = await createStoreLoad();
    return {
      sides: [
        { name: 'prepared', measure: () => measure((record) => pool.query(insertOrder(record))) },
        {
          name: 'not prepared',
          measure: () =>
            measure((record) => {
              const { text, values = [] } = insertOrder(record);
              return pool.query(text, values as unknown[]);
            }),
        },
      ],
      close,
    };
  },
};
