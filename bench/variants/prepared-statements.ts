import type { OrderDatabase } from '../../src/contract/order-module.ts';
import { orderModule } from '../../src/order/order-module.ts';
import { createStoreLoad } from '../harness/store-load.ts';
import type { Variants } from './variants.ts';

export const preparedStatements: Variants = {
  name: 'prepared-statements',
  what: 'inserts of orders, prepared or parsed and planned every time',
  unit: 'orders/s',
  code: ['bench/variants/prepared-statements.ts', 'src/order/order-module.ts'],
  async prepare() {
    const { pool, measure, close } = await createStoreLoad();
    const storing = (preparesStatements: boolean) => {
      const database: OrderDatabase = {
        preparesStatements,
        query: (statement) => pool.query(statement),
      };
      return () => measure((record) => orderModule.storage.store(database, record));
    };
    return {
      sides: [
        { name: 'prepared', measure: storing(true) },
        { name: 'not prepared', measure: storing(false) },
      ],
      close,
    };
  },
};
