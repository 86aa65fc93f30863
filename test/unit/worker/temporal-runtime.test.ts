import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { freeLocalAddress, installTemporalRuntime } from '../../../src/worker/temporal-runtime.ts';

// The runtime shortens the stack traces of contexts that are created later: those of other tests.
afterAll(() => {
  setFlagsFromString('--stack-trace-limit=10');
});

test('when another process takes the port of the metrics first, the SDK gets another one', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const addresses = [taken];
  try {
    const { runtime, metricsAddress } = await installTemporalRuntime(silentLogger(), () => {
      const address = addresses.shift();
      return address === undefined ? freeLocalAddress() : Promise.resolve(address);
    });
    try {
      expect(metricsAddress).not.toBe(taken);
      expect((await fetch(`http://${metricsAddress}/metrics`)).status).toBe(200);
    } finally {
      await runtime.shutdown();
    }
  } finally {
    other.close();
  }
});

test('any other error is thrown at once', async () => {
  let found = 0;
  const installing = installTemporalRuntime(silentLogger(), () => {
    found += 1;
    return Promise.resolve('no address');
  });
  await expect(installing).rejects.toThrow();
  expect(found).toBe(1);
});
