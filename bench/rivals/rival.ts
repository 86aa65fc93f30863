import type { TestDatabase } from '../../test/support/database.ts';
import type { TestTopic } from '../../test/support/kafka.ts';

/** A way to move orders from a topic into Postgres. */
export interface Rival {
  readonly name: string;
  /** The number of orders to measure it with: so many that it works for about ten seconds. */
  readonly count: number;
  /** Whether it needs a server besides Kafka and Postgres. */
  readonly hasServer: boolean;
  /** Creates its topic and its tables, and starts its server if it has one. */
  open(): Promise<OpenRival>;
}

export interface OpenRival {
  readonly topic: TestTopic;
  readonly database: TestDatabase;
  /** The table with one row per order. */
  readonly table: string;
  /** The message that a producer has to write for it. */
  readonly messageOf: MessageOf;
  /** The consumer group whose offsets it commits. */
  readonly groupId: string;
  /** That server. */
  readonly server?: RivalServer;
  /** Starts all its programs, and its server if that has been killed. */
  start(): Promise<RunningRival>;
  /** The number of messages whose work is done or recorded, so that they need not be read again. */
  taken(): Promise<number>;
  /** The messages that did not become rows, where an operator can find them. */
  kept(): Promise<readonly Kept[]>;
  /** How an operator has a kept message run again. Absent if there is no way but to write it to the topic. */
  readonly rerun?: Rerun;
  /** How an operator has the system continue, once what a bad message has blocked can be stored. */
  readonly resume?: Resume;
  close(): Promise<void>;
}

export type MessageOf = (orderId: string, changes?: Readonly<Record<string, unknown>>) => string;

export interface RunningRival {
  /** Its programs by name, without servers. */
  readonly pids: Readonly<Record<string, number>>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface RivalServer {
  readonly name: string;
  pid(): number;
  kill(): Promise<void>;
}

/** A message that is kept for an operator. */
export interface Kept {
  /** What it is kept as: `dead letter`, `failed workflow`. */
  readonly as: string;
  /** Why it is not a row, as the system reports it. */
  readonly reason: string;
  /** What identifies it to `rerun`. */
  readonly id: string;
}

export interface Rerun {
  /** The command or the call, for the reader. */
  readonly how: string;
  run(id: string): Promise<void>;
}

export interface Resume {
  /** The command or the call, for the reader. */
  readonly how: string;
  run(): Promise<void>;
}
