import { settingGroup, text } from './setting.ts';

export const orderSettings = settingGroup({
  module: {
    name: 'ORDER_MODULE',
    schema: text,
    optional: true,
    unsetMeans: 'the built-in order',
    description:
      'The order module: what an order is, and its tables. A file, such as `./my-order.js` (relative to the working directory), or the name of a package that is installed there. Bridges, workers and tools must have the same one. See [your-orders.md](your-orders.md).',
  },
});
