import { describeError } from '../../program/operator-error.ts';

/** Whether a program does its work (`/readyz`) and whether restarting it would help (`/livez`). */
export interface Health {
  /** What keeps the program from working, such as a dependency that is unavailable. */
  readonly readiness: Conditions;
  /** What only a restart ends. A dependency that is unavailable does not belong here. */
  readonly liveness: Conditions;
}

export const createHealth = (): Health => ({
  readiness: new Conditions(),
  liveness: new Conditions(),
});

/**
 * Conditions by name, each healthy until it fails. `/readyz` and `/livez` show the names and reasons of
 * those that fail.
 */
export class Conditions {
  readonly #failures = new Map<string, string>();
  readonly #checks = new Map<string, () => string | undefined>();

  /** The condition fails for this reason until `clear`. A later reason replaces an earlier one. */
  fail(name: string, reason: string): void {
    this.#failures.set(name, reason);
  }

  clear(name: string): void {
    this.#failures.delete(name);
  }

  /** A condition that is evaluated whenever `reasons` is read; `evaluate` returns why it fails, if it does. */
  check(name: string, evaluate: () => string | undefined): void {
    this.#checks.set(name, evaluate);
  }

  /** Why each failing condition fails, by its name; empty when none does. */
  reasons(): Readonly<Record<string, string>> {
    const reasons = new Map(this.#failures);
    for (const [name, evaluate] of this.#checks) {
      const reason = evaluateSafely(evaluate);
      if (reason !== undefined) reasons.set(name, reason);
    }
    return Object.fromEntries(reasons);
  }
}

/** Timers and HTTP requests read the conditions: one broken check must not hide the others from them. */
function evaluateSafely(evaluate: () => string | undefined): string | undefined {
  try {
    return evaluate();
  } catch (error) {
    return `its state cannot be determined: ${describeError(error)}`;
  }
}
