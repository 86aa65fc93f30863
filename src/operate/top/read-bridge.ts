/** The state of one bridge, according to its metrics. */
export interface BridgeState {
  readonly isReady: boolean;
  readonly inFlight: number;
  readonly startsInFlight: number;
  /** The present limit of concurrent workflow starts. */
  readonly startLimit: number;
}

const TIMEOUT_MS = 1000;

/** @param url of the bridge's HTTP endpoint, such as `http://localhost:9464` */
export async function readBridge(url: string): Promise<BridgeState> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(new URL('/metrics', url), { signal }).catch((error: unknown) => {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  });
  if (!response.ok) throw new Error(`responds with HTTP status ${response.status}`);
  const text = await response.text();
  const gauge = (name: string) => {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
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
