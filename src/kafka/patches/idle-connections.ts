import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

/** A request that is not answered is given up at most this share of its timeout late. */
const CHECKS_PER_TIMEOUT = 10;
const LONGEST_CHECK_INTERVAL_MS = 1000;

let isPatched = false;

/**
 * Stops every kafkajs client of this process from waking it while its connections are idle.
 *
 * kafkajs 2.2.4 polls for queued requests every millisecond on each connection (kafkajs#1704), with timers that are
 * set to a negative delay, about which Node 24 warns (kafkajs#1751). It also checks ten times per second on each
 * connection whether a request has been waiting for longer than its timeout, which is 30 s by default.
 */
export function disableIdlePolling(): void {
  if (isPatched) return;
  isPatched = true;
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
  RequestQueue.prototype.scheduleRequestTimeoutCheck = function () {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    this.requestTimeoutIntervalId = setInterval(
      () => {
        for (const request of this.inflight.values()) {
          if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
        }
        if (!this.isConnected()) this.destroy();
      },
      Math.min(this.requestTimeout / CHECKS_PER_TIMEOUT, LONGEST_CHECK_INTERVAL_MS),
    );
  };
}
