import { jsonKind, type Json, type JsonObject } from '../contract/json.ts';
import { parseOrderId, type OrderId } from '../contract/order-id.ts';
import { describeThrown } from '../contract/thrown.ts';
import type {
  Identification,
  OrderModule,
  OrderStorage,
  StartPreferences,
  Translation,
} from '../contract/order-module.ts';
import type { TranslatedFields } from './fields.ts';
import { fingerprintOfJson, fingerprintOfValues, type IdentityValue } from './fingerprint.ts';
import { createOrderIdFilter } from './order-id-filter.ts';

/** An order in the fewest terms: `defineOrder` makes an `OrderModule` of it. All functions are pure. */
export interface OrderDefinition<Order> extends Pick<
  OrderModule<Order>,
  'name' | 'recognizes' | 'samples'
> {
  /**
   * The field with the order ID, or a function that returns the ID. Only a string is an order ID: `idText` makes
   * one of a number, `compositeId` of several values. The ID decides what a duplicate is, and must never change.
   * A message for which the function throws becomes a dead letter.
   */
  readonly orderId: string | ((message: JsonObject) => Json | undefined);

  /**
   * Translates a message into an order, or returns every invalid field. `translateWith` creates one. An order
   * for which it throws waits in the worker for a corrected module.
   */
  readonly translate: (message: JsonObject) => TranslatedFields<Order>;

  /**
   * The values that make two orders the same: the whole order, or a list of those values that count. What is
   * not among them may differ between a message and its duplicate, such as the time at which it was sent.
   */
  readonly identity: (order: Order) => IdentityValue | NoInfer<Order>;

  /**
   * A number that you increase whenever `identity` returns other values for an order that it has known, for
   * instance because of a new field; 1 if left out. Fingerprints of another form are never taken for a
   * difference: the orders themselves are compared.
   */
  readonly fingerprintForm?: number;

  /**
   * How Temporal schedules the order's workflow. Also called for messages that are not valid orders. If it
   * throws, the order is ingested without preferences, and the bridge logs where.
   */
  readonly start?: (message: JsonObject) => StartPreferences;

  /**
   * The order as JSON, as it crosses Temporal. If left out, the message crosses it and is translated again,
   * when the order is stored, so that `translate` must accept what older versions accepted.
   */
  readonly json?: {
    readonly to: (order: Order) => unknown;
    /** Accepts what older versions have written. */
    readonly from: (json: unknown) => Order;
  };

  readonly storage: OrderStorage<Order>;
}

/** Creates an order module. Throws a TypeError if a part is missing, for modules that no compiler has checked. */
export function defineOrder<Order>(definition: OrderDefinition<Order>): OrderModule<Order> {
  checkDefinition(definition);
  const { orderId: orderIdRule, identity, fingerprintForm: form = 1 } = definition;
  const { name, storage, json, start, recognizes, samples } = definition;

  const translateFields = (message: JsonObject): TranslatedFields<Order> => {
    const fields: unknown = definition.translate(message);
    if (isTranslated<Order>(fields)) return fields;
    throw new TypeError(
      `translate returned ${fields instanceof Promise ? 'a promise' : 'no result'}`,
    );
  };
  const fingerprintOf = (message: JsonObject, fields: TranslatedFields<Order>): string => {
    if (!fields.ok) return fingerprintOfJson(form, message);
    // Checked as it is read: the type of an order may be wider.
    const values = identity(fields.value) as IdentityValue;
    // An array, so that it cannot equal the canonical text of a message, which is an object.
    return fingerprintOfValues(form, isList(values) ? values : [values]);
  };
  /** An error in the module must not keep the order from being ingested: a corrected worker stores it. */
  const fingerprintOrFallback = (
    message: JsonObject,
  ): Pick<Extract<Identification, { kind: 'order' }>, 'fingerprint' | 'fingerprintProblem'> => {
    try {
      return { fingerprint: fingerprintOf(message, translateFields(message)) };
    } catch (error) {
      const fingerprintProblem = `translate or identity of the order module threw ${describeThrown(error)}`;
      return { fingerprint: fingerprintOfJson(form, message), fingerprintProblem };
    }
  };

  return {
    name,
    storage,
    identify: (message) => {
      const id = findOrderIdOrWhy(message, orderIdRule);
      if (id.kind === 'unusable') return id;
      const { orderId } = id;
      const { fingerprint, fingerprintProblem } = fingerprintOrFallback(message);
      const preferences = start ? startPreferences(start, message) : {};
      return { kind: 'order', orderId, fingerprint, fingerprintProblem, ...preferences };
    },
    translate: (message): Translation<Order> => {
      const id = findOrderId(message, orderIdRule);
      const fields = translateFields(message);
      if (id.kind === 'unusable') {
        const issues = fields.ok ? [] : fields.issues;
        // The schema may have found the same.
        return {
          kind: 'invalid',
          issues: issues.length > 0 ? issues : [{ path: '', problem: id.error }],
        };
      }
      return fields.ok
        ? {
            kind: 'translated',
            orderId: id.orderId,
            order: fields.value,
            fingerprint: fingerprintOf(message, fields),
          }
        : { kind: 'invalid', issues: fields.issues };
    },
    ...(json ? { toJson: json.to, fromJson: json.from } : {}),
    ...(typeof orderIdRule === 'string'
      ? { filterByOrderId: (orderIds) => createOrderIdFilter(orderIdRule, orderIds) }
      : {}),
    ...(recognizes ? { recognizes } : {}),
    ...(samples ? { samples } : {}),
  };
}

/** An error of `start` must not keep the order from being ingested. */
function startPreferences(
  start: (message: JsonObject) => StartPreferences,
  message: JsonObject,
): Pick<Extract<Identification, { kind: 'order' }>, 'start' | 'startProblem'> {
  try {
    return { start: start(message) };
  } catch (error) {
    return { startProblem: `start of the order module threw ${describeThrown(error)}` };
  }
}

/** `Array.isArray` does not narrow readonly arrays. */
const isList = (value: IdentityValue): value is readonly IdentityValue[] => Array.isArray(value);

const isTranslated = <Order>(fields: unknown): fields is TranslatedFields<Order> =>
  typeof fields === 'object' && fields !== null && 'ok' in fields && typeof fields.ok === 'boolean';

/** All mistakes at once. */
function checkDefinition(
  definition: Readonly<Partial<Record<keyof OrderDefinition<never>, unknown>>>,
) {
  const { name, orderId, translate, identity, storage, fingerprintForm: form } = definition;
  const mistakes = [
    typeof name === 'string' && name !== '' ? [] : ['name: expected a text'],
    ['string', 'function'].includes(typeof orderId)
      ? []
      : ['orderId: expected the name of a field, or a function'],
    typeof translate === 'function'
      ? []
      : ['translate: expected a function, for instance of translateWith'],
    typeof identity === 'function' ? [] : ['identity: expected a function'],
    typeof storage === 'object' ? [] : ['storage: expected what orderTables returns'],
    form === undefined || (Number.isSafeInteger(form) && Number(form) >= 1)
      ? []
      : ['fingerprintForm: expected an integer from 1'],
  ].flat();
  if (mistakes.length > 0) throw new TypeError(`defineOrder: ${mistakes.join('; ')}`);
}

type FoundOrderId =
  | { readonly kind: 'found'; readonly orderId: OrderId }
  | Extract<Identification, { kind: 'unusable' }>;

/** A message whose ID the module cannot find is a dead letter, which keeps it for a corrected module. */
function findOrderIdOrWhy(
  message: JsonObject,
  orderId: OrderDefinition<never>['orderId'],
): FoundOrderId {
  try {
    return findOrderId(message, orderId);
  } catch (error) {
    const problem = `orderId of the order module threw ${describeThrown(error)}`;
    return { kind: 'unusable', reason: 'no-order-id', error: problem };
  }
}

function findOrderId(
  message: JsonObject,
  orderId: OrderDefinition<never>['orderId'],
): FoundOrderId {
  const isField = typeof orderId === 'string';
  const field = isField ? orderId : 'order ID';
  const value = isField
    ? Object.hasOwn(message, orderId)
      ? message[orderId]
      : undefined
    : orderId(message);
  if (value instanceof Promise) throw new TypeError('orderId returned a promise');
  if (typeof value !== 'string') {
    const error = `${field}: expected a string, received ${jsonKind(value)}`;
    return { kind: 'unusable', reason: 'no-order-id', error };
  }
  const parsed = parseOrderId(value);
  return parsed.ok
    ? { kind: 'found', orderId: parsed.value }
    : {
        kind: 'unusable',
        reason: 'invalid-order-id',
        error: `${field}: expected ${parsed.expected}`,
      };
}
