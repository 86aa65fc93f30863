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

export function createReadiness(): Readiness {
  const reported = new Map<string, string>();
  const asked = new Map<string, () => string | undefined>();
  return {
    report: (name, reason) => void reported.set(name, reason),
    clear: (name) => void reported.delete(name),
    ask: (name, reason) => void asked.set(name, reason),
    reasons() {
      const answers = [...asked].flatMap(([name, ask]) => {
        const reason = ask();
        return reason === undefined ? [] : [[name, reason] as const];
      });
      return Object.fromEntries([...reported, ...answers]);
    },
  };
}
