import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

let isPatched = false;

/**
 * Stops every kafkajs client of this process from polling for queued requests when there are none.
 *
 * kafkajs 2.2.4 polls every millisecond on each connection (kafkajs#1704), with timers that are set to a
 * negative delay, about which Node 24 warns (kafkajs#1751).
 */
export function disableIdlePolling(): void {
  if (isPatched) return;
  isPatched = true;
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}
