import type { TestSystem } from '../../test/support/system.ts';

/** A way to get orders from a topic into Postgres. */
export interface Rival {
  readonly name: string;
  /** The message that producers have to write for it. */
  readonly messageOf: (orderId: string, changes?: Readonly<Record<string, unknown>>) => string;
  /** How many orders are enough to measure it. */
  readonly count: number;
  /** The table that has one row for each order. */
  readonly table: string;
  /** Makes what it needs beside the topic and the order's own tables. */
  prepare(system: TestSystem): Promise<void>;
  start(system: TestSystem): Promise<RunningRival>;
  /** The consumer group whose offsets it commits. */
  groupOf(system: TestSystem): string;
  /** How many messages it need not read again if it remembers that it has read them. */
  taken(system: TestSystem): Promise<number>;
  /** How many of the messages that did not become rows stand somewhere for somebody to see. */
  kept(system: TestSystem): Promise<number>;
}

export interface RunningRival {
  readonly pids: Readonly<Record<string, number>>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}
