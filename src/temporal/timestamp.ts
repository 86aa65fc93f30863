/** Nanoseconds since 1970: the server compares its times exactly, and so does `planRollback`. */
export type Nanoseconds = bigint;

interface Timestamp {
  readonly seconds?: unknown;
  readonly nanos?: number | null;
}

export function nanoseconds(time: Timestamp | null | undefined): Nanoseconds | undefined {
  const seconds = Number(time?.seconds ?? 0);
  return seconds === 0 ? undefined : BigInt(seconds) * 1_000_000_000n + BigInt(time?.nanos ?? 0);
}

export const isoTime = (time: Nanoseconds | undefined): string | undefined =>
  time === undefined ? undefined : new Date(Number(time / 1_000_000n)).toISOString();
