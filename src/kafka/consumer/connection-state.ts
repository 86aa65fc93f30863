import { describeError } from '../../program/operator-error.ts';

/**
 * Whether the consumer is connected to Kafka: it is not from the first fetch or heartbeat that fails until
 * one of the same kind succeeds. A success of another kind does not hide a failure: one broker may be up
 * while another one is down.
 */
export class ConnectionState {
  /** The reason by what is failing: fetching from a broker, the group, or the consumer as a whole. */
  readonly #failures = new Map<string, string>();
  readonly #describe: (error: unknown) => string;
  #hasJoined = false;

  constructor(describe: (error: unknown) => string = describeError) {
    this.#describe = describe;
  }

  joined(): void {
    this.#hasJoined = true;
    this.#failures.delete(GROUP);
  }

  heartbeatSucceeded(): void {
    this.#failures.delete(GROUP);
    this.#failures.delete(CONSUMER);
  }

  /** A heartbeat or a join has failed. */
  groupFailed(error: unknown): void {
    this.#failures.set(
      GROUP,
      `joining the group or sending heartbeats fails: ${this.#describe(error)}`,
    );
  }

  /** @param brokers the IDs of all brokers of the cluster; failures of any other broker are dropped */
  fetched(broker: string, brokers: readonly string[]): void {
    this.nothingToFetch(broker, brokers);
    this.#failures.delete(CONSUMER);
  }

  /** @param brokers as in `fetched` */
  nothingToFetch(broker: string, brokers: readonly string[]): void {
    this.#failures.delete(fetchFrom(broker));
    const present = new Set(brokers.map(fetchFrom));
    for (const name of this.#failures.keys()) {
      if (name.startsWith(FETCH) && !present.has(name)) this.#failures.delete(name);
    }
  }

  fetchFailed(broker: string, error: unknown): void {
    this.#failures.set(
      fetchFrom(broker),
      `fetching from broker ${broker} fails: ${this.#describe(error)}`,
    );
  }

  /** The consumer has ended, whether or not it will restart. */
  crashed(error: unknown): void {
    this.#failures.set(CONSUMER, `the consumer has failed: ${this.#describe(error)}`);
  }

  /** Whether something has failed and has not succeeded since. */
  get isFailing(): boolean {
    return this.#failures.size > 0;
  }

  /** Why the consumer does not count as connected, or undefined when it does. */
  reason(): string | undefined {
    if (this.#failures.size > 0) return [...this.#failures.values()].join('; ');
    return this.#hasJoined ? undefined : 'the consumer group has not been joined yet';
  }
}

const GROUP = 'group';
const CONSUMER = 'consumer';
const FETCH = 'fetch ';

const fetchFrom = (broker: string): string => `${FETCH}${broker}`;
