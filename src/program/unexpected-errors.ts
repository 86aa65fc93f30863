/**
 * Keeps the process running when a callback throws or a promise rejects and nobody handles it: every
 * order in flight would pay for a fault in one place. Orders do not depend on it, since what is not
 * finished is read or run again, and a program that no longer makes progress fails its health check.
 * Answers with a function that ends this.
 */
export function surviveUnexpectedErrors(report: (error: unknown) => void): () => void {
  const survive = (error: unknown) => {
    report(error);
  };
  process.on('uncaughtException', survive);
  process.on('unhandledRejection', survive);
  return () => {
    process.off('uncaughtException', survive);
    process.off('unhandledRejection', survive);
  };
}
