import { describeError, OperatorError } from '../../program/operator-error.ts';

/** What one check has found. */
export interface Finding {
  /** What was looked at, such as `Kafka: dead-letter topic`. */
  readonly check: string;
  /** `warning`: it works, and will surprise somebody some day. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do; undefined when all is well. */
  readonly remedy?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail });

export const warning = (check: string, detail: string, remedy: string): Finding => ({
  check,
  state: 'warning',
  detail,
  remedy,
});

export const failed = (check: string, detail: string, remedy: string): Finding => ({
  check,
  state: 'failed',
  detail,
  remedy,
});

/** What an error says that ended a check. */
export const fromError = (check: string, error: unknown, remedy: string): Finding =>
  error instanceof OperatorError
    ? failed(check, error.message, error.fix)
    : failed(check, describeError(error), remedy);

/** Milliseconds as `7 days` or `90 min`. */
export function span(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
