import type { TestSystem } from '../../test/support/system.ts';

/** A way to move orders from a topic into Postgres. */
export interface Rival {
  readonly name: string;
  /** The message that a producer has to write for it. */
  readonly messageOf: (orderId: string, changes?: Readonly<Record<string, unknown>>) => string;
  /** The number of orders to measure it with. */
  readonly count: number;
  /** The table with one row per order. */
  readonly table: string;
  /** Creates what it needs besides the topic and the tables of orders. */
  prepare(system: TestSystem): Promise<void>;
  start(system: TestSystem): Promise<RunningRival>;
  /** The consumer group whose offsets it commits. */
  groupOf(system: TestSystem): string;
  /** The number of messages whose work is done, so that they need not be read again. */
  taken(system: TestSystem): Promise<number>;
  /** The number of messages that did not become rows but are kept where an operator can find them. */
  kept(system: TestSystem): Promise<number>;
}

export interface RunningRival {
  readonly pids: Readonly<Record<string, number>>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}
