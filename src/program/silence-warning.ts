/**
 * Keeps one kind of Node's warnings from stderr. For `TimeoutNegativeWarning`: kafkajs 2.2.4 asks for
 * timers that are over already (kafkajs#1751), harmlessly, and Node 24 tells the user so.
 */
export function silenceWarning(type: string): void {
  const emit = process.emitWarning.bind(process) as (...args: readonly unknown[]) => void;
  process.emitWarning = (...args: readonly unknown[]): void => {
    if (args[1] !== type) emit(...args);
  };
}
