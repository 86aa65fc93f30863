import SASLAuthenticator from 'kafkajs/src/broker/saslAuthenticator/index.js';
import Connection from 'kafkajs/src/network/connection.js';
import Long from 'kafkajs/src/utils/long.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { reauthenticateInTime } from '../../../../src/kafka/patches/reauthentication.ts';
import { promiseWithResolvers } from '../../../../src/program/promise-with-resolvers.ts';

const logger = {
  namespace: () => logger,
  debug: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Kafka's numbers of requests. */
const PRODUCE = 0;
const SASL_AUTHENTICATE = 36;
const VERSIONS = { 17: { minVersion: 0, maxVersion: 1 }, 36: { minVersion: 0, maxVersion: 1 } };

/** A connection that has authenticated `agoMs` ago, for as long as the broker allows. */
function connection(lifetimeMs: number, agoMs: number): Connection {
  const one = new Connection({ host: 'test', port: 1, logger, sasl: { mechanism: 'plain' } });
  const now = process.hrtime.bigint() - BigInt(agoMs) * 1_000_000n;
  one.authenticatedAt = [Number(now / 1_000_000_000n), Number(now % 1_000_000_000n)];
  one.sessionLifetime = Long.fromValue(String(lifetimeMs));
  return one;
}

/** A login that lasts until it is ended, on a connection with a queue of requests. */
function login() {
  const queue = new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test',
    logger,
  });
  const { promise, resolve, reject } = promiseWithResolvers<undefined>();
  const sasl = {
    mechanism: 'plain',
    authenticationProvider: () => ({ authenticate: () => promise }),
  };
  const send = () => Promise.resolve({ enabledMechanisms: ['PLAIN'] });
  const fake = { host: 'test', port: 1, sasl, send, requestQueue: queue };
  const done = new SASLAuthenticator(fake, logger, VERSIONS, true).authenticate();
  const sent: number[] = [];
  const rejected: unknown[] = [];
  const push = (apiKey: number) => {
    const correlationId = sent.length + rejected.length + apiKey;
    queue.push({
      entry: { apiKey, correlationId, reject: (error) => rejected.push(error) },
      expectResponse: true,
      sendRequest: () => sent.push(apiKey),
    });
  };
  return {
    done,
    push,
    sent,
    rejected,
    succeed: () => {
      resolve(undefined);
    },
    fail: reject,
  };
}

// Once kafkajs does neither, the patch is not needed any more.
describe('kafkajs by itself', () => {
  test('authenticates before each request if the broker allows ten seconds', () => {
    expect(connection(60_000, 0).isAuthenticated()).toBe(true);
    expect(connection(10_000, 0).isAuthenticated()).toBe(false);
  });

  test('sends requests in the middle of a login', async () => {
    const { push, sent, succeed, done } = login();
    push(PRODUCE);
    expect(sent).toEqual([PRODUCE]);
    succeed();
    await done;
  });
});

describe('with the patch', () => {
  beforeAll(reauthenticateInTime);

  test.each([
    [10_000, 0, true],
    [10_000, 7000, true],
    [10_000, 9000, false],
    [1000, 900, true],
    [1000, 1200, false],
    [3000, 1000, true],
    [3000, 2900, false],
    [3_600_000, 1_800_000, true],
    [0, 3_600_000, true],
  ])('a login for %s ms is still good after %s ms: %s', (lifetimeMs, agoMs, isGood) => {
    expect(connection(lifetimeMs, agoMs).isAuthenticated()).toBe(isGood);
  });

  test('requests wait for a login, whose own requests are sent', async () => {
    const { push, sent, succeed, done } = login();
    push(PRODUCE);
    push(SASL_AUTHENTICATE);
    expect(sent).toEqual([SASL_AUTHENTICATE]);
    succeed();
    await done;
    expect(sent).toEqual([SASL_AUTHENTICATE, PRODUCE]);
    push(PRODUCE);
    expect(sent).toHaveLength(3);
  });

  test('requests fail with a login that fails', async () => {
    const { push, sent, rejected, fail, done } = login();
    push(PRODUCE);
    const error = new Error('wrong password');
    fail(error);
    await expect(done).rejects.toBe(error);
    expect(rejected).toEqual([error]);
    push(PRODUCE);
    expect(sent).toEqual([PRODUCE]);
  });
});
