import SASLAuthenticator from 'kafkajs/src/broker/saslAuthenticator/index.js';
import Connection from 'kafkajs/src/network/connection.js';
import RequestQueue, { type Request } from 'kafkajs/src/network/requestQueue/index.js';

/** When a connection authenticates again, as a share of the time that the broker allows. Kafka's own client: 85 %. */
const REAUTHENTICATE_AT = 0.8;

/** Brokers reject a second login within a second (`MIN_REAUTH_INTERVAL_ONE_SECOND_NANOS`). */
const SHORTEST_INTERVAL_MS = 1100;

/** SaslHandshake, ApiVersions and SaslAuthenticate: what a broker accepts during a login. */
const LOGIN_REQUESTS: readonly number[] = [17, 18, 36];

/** Requests that wait for the login of their connection. */
const waiting = new WeakMap<object, Request[]>();

let isPatched = false;

/**
 * Lets every kafkajs client of this process authenticate again while it is in use, as brokers with
 * `connections.max.reauth.ms` and tokens that expire require.
 *
 * kafkajs 2.2.4 does so ten seconds before the time is over. Where a broker allows no more than that, it
 * does so before each request, which the broker rejects ("Request is not valid given the current SASL state"). Its
 * setting for these seconds is no help, because brokers allow different times.
 *
 * It also sends a request that was being encoded when the login began in the middle of that login, which the
 * broker rejects with the same error. Encoding takes long for a compressed batch. (No upstream issue is known.)
 */
export function reauthenticateInTime(): void {
  if (isPatched) return;
  isPatched = true;

  Connection.prototype.isAuthenticated = function () {
    if (this.authenticatedAt === null) return false;
    const lifetimeMs = Number(this.sessionLifetime.toString());
    if (lifetimeMs === 0) return true;
    const [seconds, nanoseconds] = process.hrtime(this.authenticatedAt);
    const elapsedMs = seconds * 1000 + nanoseconds / 1_000_000;
    return elapsedMs < Math.max(lifetimeMs * REAUTHENTICATE_AT, SHORTEST_INTERVAL_MS);
  };

  const { authenticate } = SASLAuthenticator.prototype;
  SASLAuthenticator.prototype.authenticate = async function () {
    const queue = this.connection.requestQueue;
    const requests: Request[] = [];
    waiting.set(queue, requests);
    try {
      await authenticate.call(this);
      waiting.delete(queue);
      for (const request of requests) queue.push(request);
    } catch (error) {
      waiting.delete(queue);
      // The broker closes the connection. Whoever has sent them repeats them on another one.
      for (const { entry } of requests) entry.reject(error);
      throw error;
    }
  };

  const { push } = RequestQueue.prototype;
  RequestQueue.prototype.push = function (request) {
    const requests = waiting.get(this);
    if (requests === undefined || LOGIN_REQUESTS.includes(request.entry.apiKey)) {
      push.call(this, request);
    } else requests.push(request);
  };
}
