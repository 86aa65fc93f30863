import type { DeadLetterReason } from './dead-letter.ts';
import { isJsonObject, jsonKind, parseJson, type JsonObject } from './json.ts';
import type { Correction, MessageSource } from './message.ts';
import type { OrderId } from './order-id.ts';

/**
 * An order module: what an order is, in one place. Bridge, workers and tools load the module that
 * `ORDER_MODULE` names. `defineOrder` creates one from a shorter definition.
 *
 * The workflow does not depend on the module, so that workers with another version of it continue the
 * orders in progress.
 */
export interface OrderModule<Order = unknown> {
  /** Identifies the module in logs. */
  readonly name: string;

  /**
   * Finds the order ID and the fingerprint of a message. Pure and synchronous. Whether the order is valid is
   * decided by the workflow. A message for which it throws becomes a dead letter.
   */
  identify(message: JsonObject): Identification;

  /**
   * Translates a message into an order of the domain, or returns every invalid field. Pure and synchronous. If
   * it throws, the workflow waits for a worker with a corrected module.
   */
  translate(message: JsonObject): Translation<Order>;

  /**
   * The order as JSON, as it crosses Temporal between the two activities. Without `toJson` and `fromJson`, the
   * text of the message crosses it, and is translated again.
   */
  toJson?(order: Order): unknown;

  /** The reverse. Accepts what older versions have written, and throws if it cannot. */
  fromJson?(json: unknown): Order;

  /** The tables of the orders in Postgres. */
  readonly storage: OrderStorage<Order>;

  /**
   * A cheap test for messages that may be about one of these orders, applied to the JSON text of the message
   * before it is parsed. It may accept others, because `identify` decides.
   */
  filterByOrderId?(orderIds: readonly string[]): (text: Uint8Array) => boolean;

  /**
   * Whether an older version of the module, in the first form of its fingerprints, made this fingerprint of
   * the message. Only for forms that cannot be told by the text before their colon.
   */
  recognizes?(fingerprint: string, message: JsonObject): boolean;

  /** Sample messages for `order-ingest produce --sample`. The same options give the same messages. */
  samples?(options: SampleOptions): Iterable<SampleMessage>;
}

export type Identification =
  | {
      readonly kind: 'order';
      readonly orderId: OrderId;
      /**
       * Equal for messages about the same order: `<form>:<hash>`, where the form is a text that changes
       * whenever the fingerprint of a known order would. Where two forms differ, the orders are compared.
       */
      readonly fingerprint: string;
      readonly start?: StartPreferences | undefined;
      /** Why the order has no start preferences although the module sets them; quotes no value. */
      readonly startProblem?: string | undefined;
      /** Why the fingerprint is only that of the JSON: the module has a fault. Quotes no value. */
      readonly fingerprintProblem?: string | undefined;
    }
  | {
      readonly kind: 'unusable';
      readonly reason: Extract<DeadLetterReason, 'no-order-id' | 'invalid-order-id'>;
      /** Names the field and what was expected; quotes no value. */
      readonly error: string;
    };

/**
 * How Temporal schedules the order's workflow. The bridge leaves out or limits what Temporal would reject, and
 * logs `start_preference_invalid`: docs/priority.md.
 */
export interface StartPreferences {
  /** 1 is the highest, 5 the lowest; 3 if left out. Needs Temporal server 1.31; older ones ignore it. */
  readonly priority?: 1 | 2 | 3 | 4 | 5;
  /**
   * Orders with different keys share the workers fairly, for instance by customer. Up to 64 bytes; a longer
   * key is replaced by its hash. The server must have `matching.enableFairness`; others ignore the key.
   */
  readonly fairnessKey?: string;
  /** The share of this key, from 0.001 to 1000; 1 if left out. */
  readonly fairnessWeight?: number;
  /** How long to wait before the workflow runs, in milliseconds from its start; at most a year. */
  readonly startDelayMs?: number;
}

export type Translation<Order> =
  | {
      readonly kind: 'translated';
      readonly orderId: OrderId;
      readonly order: Order;
      /** The same as `identify` returns for the message. */
      readonly fingerprint: string;
    }
  | { readonly kind: 'invalid'; readonly issues: readonly ValidationIssue[] };

/** An invalid field, such as `line_items[2].quantity`, and `expected an integer from 1 to …`. */
export interface ValidationIssue {
  /** Empty if it concerns the message as a whole. */
  readonly path: string;
  /** Quotes no value, which may be personal data. */
  readonly problem: string;
}

/** An order with what is stored about the message that it came from. */
export interface OrderRecord<Order = unknown> {
  readonly orderId: string;
  readonly order: Order;
  readonly source: MessageSource;
  readonly fingerprint: string;
  /** Present if an operator has corrected the message. */
  readonly correction?: Correction | undefined;
}

/** The final outcomes of a store. Transient errors, such as a deadlock or an outage, are thrown instead. */
export type StoreOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'already-stored' }
  | { readonly kind: 'conflict'; readonly storedFrom: MessageSource }
  | { readonly kind: 'rejected'; readonly reason: string };

/** A connection pool to Postgres, as `pg` has it. */
export interface OrderDatabase {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as in pg's own types
  query<Row extends Record<string, unknown>>(statement: {
    /** Prepares the statement under this name. */
    readonly name?: string;
    readonly text: string;
    readonly values?: unknown[];
  }): Promise<{ rows: Row[] }>;
  /** Whether named statements may be prepared: not behind every pooler. */
  readonly preparesStatements?: boolean;
}

/** How orders are stored. `orderTables` implements it for a table of orders with tables of their items. */
export interface OrderStorage<Order = unknown> {
  /** The table with one row per order. */
  readonly orderTable: string;
  /** All tables, each with the columns that the module's statements use. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
  /** A folder with one `.sql` file per migration, named so that they sort in their order. */
  readonly migrationsDir: string;
  /** The table in which the migrations that have run are recorded. */
  readonly migrationsTable: string;

  /**
   * Stores the order completely or not at all. Idempotent: if the row has the fingerprint or the values of the
   * record, the order is `already-stored`. So it is if the row has the source and the correction of the record, and
   * a fingerprint of another form, which is the text up to the colon: then an older version stored this very
   * message, and a column that is newer than the row is still empty.
   */
  store(database: OrderDatabase, record: OrderRecord<Order>): Promise<StoreOutcome>;

  /** The rows with these order IDs, at most one each. */
  findByIds(database: OrderDatabase, orderIds: readonly string[]): Promise<readonly StoredOrder[]>;

  /** Whether the row with this ID has the values of the order. For fingerprints of different forms. */
  hasValues(database: OrderDatabase, orderId: string, order: Order): Promise<boolean>;

  /** The stored order for `order-ingest orders show`; undefined if there is none. */
  describe(database: OrderDatabase, orderId: string): Promise<OrderDescription | undefined>;
}

/** What the tools need to know of a stored order. */
export interface StoredOrder {
  readonly orderId: string;
  readonly fingerprint: string;
  readonly source: MessageSource;
  /** Whether an operator has corrected the message, so that the row differs from what it said. */
  readonly isCorrected: boolean;
}

/** A stored order as text. */
export interface OrderDescription {
  /** Column to value, in the order in which to show them. */
  readonly columns: Readonly<Record<string, string | null>>;
  /** The items of the order, by name. */
  readonly lists: Readonly<Record<string, OrderList>>;
}

export interface OrderList {
  readonly columns: readonly string[];
  /** The columns to align on the right. */
  readonly numeric: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface SampleOptions {
  /** The number of valid orders. */
  readonly count: number;
  /** The number of broken messages after them, of each kind in turn. */
  readonly broken: number;
  /** Starts every order ID. Runs with different prefixes generate different orders. */
  readonly idPrefix: string;
}

/** A message for the topic. */
export interface SampleMessage {
  /** The order ID, if there is one. */
  readonly key: string | null;
  /** Null is a tombstone. */
  readonly value: string | Uint8Array | null;
}

export const formatIssue = ({ path, problem }: ValidationIssue): string =>
  path === '' ? problem : `${path}: ${problem}`;

/** Translates the JSON text of a message. */
export function translateText<Order>(
  orderModule: Pick<OrderModule<Order>, 'translate'>,
  text: string,
): Translation<Order> {
  const json = parseJson(text);
  if (!json.ok) return { kind: 'invalid', issues: [{ path: '', problem: json.error }] };
  if (!isJsonObject(json.value)) {
    const problem = `expected an object, received ${jsonKind(json.value)}`;
    return { kind: 'invalid', issues: [{ path: '', problem }] };
  }
  return orderModule.translate(json.value);
}
