import { sendRequest, type HttpTarget } from '../../http/http-client.ts';

/** The state of one bridge, according to its metrics. */
export interface BridgeState {
  readonly isReady: boolean;
  readonly inFlight: number;
  readonly startsInFlight: number;
  /** The present limit of concurrent workflow starts. */
  readonly startLimit: number;
}

const TIMEOUT_MS = 1000;

/** @param target the bridge's HTTP endpoint */
export async function readBridge(target: HttpTarget): Promise<BridgeState> {
  const { status, body } = await sendRequest('GET', '/metrics', target, TIMEOUT_MS);
  if (status === 401)
    throw new Error('requires BRIDGE_HTTP_TOKEN, which is unset here or another one');
  if (status !== 200) throw new Error(`responds with HTTP status ${status}`);
  const gauge = (name: string) => {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1];
    if (value === undefined) throw new Error('is not a bridge: its metrics are missing');
    return Number(value);
  };
  return {
    isReady: gauge('order_ingest_ready') === 1,
    inFlight: gauge('order_ingest_messages_in_flight'),
    startsInFlight: gauge('order_ingest_starts_in_flight'),
    startLimit: gauge('order_ingest_start_limit'),
  };
}
