import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

let isMended = false;

/**
 * Lets the connections of every kafkajs client of this process rest while no request waits for its turn.
 * kafkajs 2.2.4 looks for such requests all the same, each millisecond on each connection
 * (kafkajs#1704), and by timers in the past, of which Node 24 warns (kafkajs#1751).
 */
export function restIdleConnections(): void {
  if (isMended) return;
  isMended = true;
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}
