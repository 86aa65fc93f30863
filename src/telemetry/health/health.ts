import { describeError } from '../../program/operator-error.ts';

/**
 * Why a program is not ready, if it is not. Each part that can stand in the way of work reports for
 * itself, under a name of its own.
 */
export interface Readiness {
  /** Not ready for this reason, until `clear`. A second reason under the same name replaces the first. */
  report(name: string, reason: string): void;
  clear(name: string): void;
  /** A part that is asked instead of reporting: it answers with a reason, or with undefined. */
  ask(name: string, reason: () => string | undefined): void;
  /** All reasons by name; empty when the program is ready. */
  reasons(): Readonly<Record<string, string>>;
}

/** A part that cannot answer is a reason of its own: the callers are timers and HTTP requests. */
function answerOf(ask: () => string | undefined): string | undefined {
  try {
    return ask();
  } catch (error) {
    return `its state cannot be determined: ${describeError(error)}`;
  }
}

export function createReadiness(): Readiness {
  const reported = new Map<string, string>();
  const asked = new Map<string, () => string | undefined>();
  return {
    report: (name, reason) => void reported.set(name, reason),
    clear: (name) => void reported.delete(name),
    ask: (name, reason) => void asked.set(name, reason),
    reasons() {
      const answers = [...asked].flatMap(([name, ask]) => {
        const reason = answerOf(ask);
        return reason === undefined ? [] : [[name, reason] as const];
      });
      return Object.fromEntries([...reported, ...answers]);
    },
  };
}
