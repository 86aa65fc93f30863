import { describeError, OperatorError } from '../../program/operator-error.ts';

/** The result of one check. Its fields are the keys of the JSON output. */
export interface Finding {
  /** The name of the check, such as `Kafka: dead-letter topic`. */
  readonly check: string;
  /** `warning`: it works now, but will cause trouble under some circumstances. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** The fix; undefined for `ok`. */
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

/** The finding for a check that threw. `remedy` is used where the error does not bring its own fix. */
export const fromError = (check: string, error: unknown, remedy: string): Finding =>
  error instanceof OperatorError
    ? failed(check, error.message, error.fix)
    : failed(check, describeError(error), remedy);

/** Formats milliseconds, such as `7 days` or `90 min`. */
export function span(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
