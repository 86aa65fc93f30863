/** What one bridge says of itself by its metrics. */
export interface BridgeState {
  readonly isReady: boolean;
  readonly inFlight: number;
  readonly startsInFlight: number;
  /** Starts that may be under way at once just now. */
  readonly startLimit: number;
}

const TIMEOUT_MS = 1000;

/** @param url of the bridge's HTTP endpoint, such as `http://localhost:9464` */
export async function readBridge(url: string): Promise<BridgeState> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(new URL('/metrics', url), { signal }).catch((error: unknown) => {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  });
  if (!response.ok) throw new Error(`answers with ${response.status}`);
  const text = await response.text();
  const gauge = (name: string) => {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error('is no bridge: it lacks the metrics of one');
    return Number(value);
  };
  return {
    isReady: gauge('order_ingest_ready') === 1,
    inFlight: gauge('order_ingest_messages_in_flight'),
    startsInFlight: gauge('order_ingest_starts_in_flight'),
    startLimit: gauge('order_ingest_start_limit'),
  };
}
