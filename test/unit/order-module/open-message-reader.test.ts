import { readSettings } from '../../../src/config/read-settings.ts';
import { READER_ROLE } from '../../../src/config/roles.ts';
import { openMessageReader } from '../../../src/order-module/open-message-reader.ts';

test('a reader says where its order module is from', async () => {
  const { orderModule, origin } = await openMessageReader(readSettings(READER_ROLE, {}));
  expect(origin).toEqual({ orderModule: orderModule.name, orderModuleFrom: 'built-in' });
});
