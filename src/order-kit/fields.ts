import Big from 'big.js';
import { z } from 'zod';
import {
  canonicalJson,
  exactNumber,
  jsonKind,
  JsonNumber,
  type Json,
  type JsonObject,
} from '../contract/json.ts';
import { isLongerThan, parseOrderId } from '../contract/order-id.ts';
import type { ValidationIssue } from '../contract/order-module.ts';
import { err, ok, type Parsed } from '../contract/parsed.ts';
import { Decimal } from './exact-decimal.ts';
import { parseInstant, type Instant } from './instant.ts';
import { Money } from './money.ts';

/*
 * Fields of a message as zod schemas. Their input is a value of `parseJson`, whose numbers keep their digits,
 * so that zod's own `z.number()` does not fit. Their errors never quote a value. Each rule is a single
 * transform, which takes a third of the time of a transform that is piped from another schema.
 */

/** A string, parsed by a rule. */
export const string = <Value>(rule: (text: string) => Parsed<Value>) =>
  z.transform((value: unknown, context) =>
    typeof value === 'string'
      ? unwrap(rule(value), context)
      : reject(`a string, received ${jsonKind(value)}`, context),
  );

/** A number, parsed by a rule: a JavaScript number where that keeps the digits, otherwise the digits. */
export const number = <Value>(rule: (number: number | string) => Parsed<Value>) =>
  z.transform((value: unknown, context) => {
    const exact = exactNumber(value);
    return exact === undefined
      ? reject(`a number, received ${jsonKind(value)}`, context)
      : unwrap(rule(exact), context);
  });

/** Text in any script, stored unchanged. Lengths are in code points, as in Postgres. */
export const text = ({
  min = 1,
  max = 1000,
}: { readonly min?: number; readonly max?: number } = {}) =>
  string((value) => parseText(value, max, min));

/** `true` or `false`. */
export const boolean = z.transform((value: unknown, context) =>
  typeof value === 'boolean'
    ? value
    : reject(`true or false, received ${jsonKind(value)}`, context),
);

/** An integer within these limits. Accepts 1.0 and 1e2, too. */
export const integer = ({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
}: { readonly min?: number; readonly max?: number } = {}) =>
  number((value) => parseInteger(value, min, max));

/** An integer beyond 2^53, as a number or as digits in a string. Without limits, those of Postgres's `bigint`. */
export const bigInteger = ({
  min = -(2n ** 63n),
  max = 2n ** 63n - 1n,
}: { readonly min?: bigint; readonly max?: bigint } = {}) =>
  decimalWith((decimal) => parseBigInteger(decimal, min, max));

/**
 * An exact number that may be negative, such as a discount or a tax rate: a number or a decimal string. `scale`
 * limits the digits after the decimal point, not counting zeros at the end.
 */
export const decimal = ({ min, max, scale }: DecimalLimits = {}) =>
  decimalWith((value) => checkDecimal(value, { min, max, scale }));

/** One of these strings. */
export const oneOf = <const Choice extends string>(choices: readonly Choice[]) =>
  string((value): Parsed<Choice> => {
    const choice = choices.find((candidate) => candidate === value);
    return choice === undefined ? err(`one of ${choices.join(', ')}`) : ok(choice);
  });

/** An exact amount that is not negative and has no currency: a number or a decimal string. */
export const money = z.transform((value: unknown, context) => {
  const exact = typeof value === 'string' ? value : exactNumber(value);
  return exact === undefined
    ? reject(`a number or a decimal string, received ${jsonKind(value)}`, context)
    : unwrap(Money.parse(exact), context);
});

/** An ISO 8601 date and time, to the microsecond. */
export const instant = string(parseInstant);

/** A date without a time, such as `2026-11-24`. */
export const date = string(parseDate);

/** A number of milliseconds (or seconds, or microseconds) since 1970 in UTC, as an `Instant`. */
export const epoch = ({ unit = 'ms' }: { readonly unit?: 's' | 'ms' | 'us' } = {}) =>
  number((value) => parseEpoch(value, unit));

/** Any JSON value, unchanged. `jsonText` is its text for a column of the type `jsonb`. */
export const json = z.transform((value: unknown, context): Json =>
  value === undefined ? reject('a value, received nothing', context) : (value as Json),
);

/** An order ID, by the rules that hold for every order. */
export const orderId = string(parseOrderId);

const expectedObject = {
  error: ({ input }: { input?: unknown }) => `expected an object, received ${jsonKind(input)}`,
};

/** A JSON object. Unknown fields are ignored, so that producers may add fields. */
export const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z
    // zod alone would accept a `JsonNumber` as an object.
    .custom<object>((value) => !(value instanceof JsonNumber), expectedObject)
    .pipe(z.object(shape, expectedObject));

/** An amount with its currency: the JSON that a Protobuf `google.type.Money` becomes. */
export const googleMoney = object({
  currency_code: string(parseCurrency),
  amount: money,
}).transform(({ currency_code: currency, amount }) => ({ currency, amount }));

/** A JSON array with this number of elements or more. */
export const list = <Element extends z.ZodType>(
  element: Element,
  { min = 0 }: { readonly min?: number } = {},
) =>
  z
    .array(element, { error: ({ input }) => `expected an array, received ${jsonKind(input)}` })
    .transform((elements, context) =>
      elements.length < min
        ? reject(`at least ${min === 1 ? 'one element' : `${min} elements`}`, context)
        : elements,
    );

/** A field that may be missing or null; both are null in the order. */
export const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.nullish(schema).transform((value) => value ?? null);

/** The JSON text of a value, with every digit: for a column of the type `jsonb`. */
export const jsonText = (value: Json): string => canonicalJson(value);

interface DecimalLimits {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly scale?: number | undefined;
}

const decimalWith = <Value>(rule: (decimal: Decimal) => Parsed<Value>) =>
  z.transform((value: unknown, context) => {
    const exact = typeof value === 'string' ? value : exactNumber(value);
    if (exact === undefined) {
      return reject(`a number or a decimal string, received ${jsonKind(value)}`, context);
    }
    const parsed = Decimal.parse(exact);
    return unwrap(parsed.ok ? rule(parsed.value) : parsed, context);
  });

function checkDecimal(value: Decimal, { min, max, scale }: DecimalLimits): Parsed<Decimal> {
  if (min !== undefined && value.compare(min) < 0) return err(`a number of at least ${min}`);
  if (max !== undefined && value.compare(max) > 0) return err(`a number of at most ${max}`);
  if (scale === undefined || fractionDigits(value) <= scale) return ok(value);
  return err(`at most ${scale} digits after the decimal point`);
}

const fractionDigits = (value: Decimal): number =>
  new Big(value.toCanonicalString()).toFixed().split('.')[1]?.length ?? 0;

function parseBigInteger(value: Decimal, min: bigint, max: bigint): Parsed<bigint> {
  const digits = value.toCanonicalString();
  const integerValue = /^-?\d+$/.test(digits) ? BigInt(digits) : undefined;
  return integerValue !== undefined && integerValue >= min && integerValue <= max
    ? ok(integerValue)
    : err(`an integer from ${min} to ${max}`);
}

/** Has the form of an ISO 4217 code. Protobuf writes an unset one as an empty string. */
function parseCurrency(value: string): Parsed<string> {
  return /^[A-Z]{3}$/.test(value) ? ok(value) : err('a currency code such as EUR');
}

function parseDate(value: string): Parsed<string> {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(value) && parseInstant(`${value}T00:00Z`).ok;
  return isDate ? ok(value) : err('a date such as 2026-11-24');
}

const MICROSECONDS = { s: 1_000_000n, ms: 1000n, us: 1n };

function parseEpoch(exact: number | string, unit: 's' | 'ms' | 'us'): Parsed<Instant> {
  const value = Decimal.parse(exact);
  const integerValue = value.ok
    ? parseBigInteger(value.value, -(2n ** 53n), 2n ** 53n)
    : err('an integer');
  if (!integerValue.ok) return err(`an integer number of ${unit} since 1970`);
  const microseconds = integerValue.value * MICROSECONDS[unit];
  const second = microseconds / 1_000_000n - (microseconds % 1_000_000n < 0n ? 1n : 0n);
  const rest = microseconds - second * 1_000_000n;
  const instantOf = new Date(Number(second) * 1000);
  if (Number.isNaN(instantOf.getTime())) return err('a time in the years 0001 to 9999');
  const base = instantOf.toISOString().slice(0, 19);
  return parseInstant(`${base}.${String(rest).padStart(6, '0')}Z`);
}

/** `min` to `max` characters of well-formed Unicode. */
export function parseText(value: string, max: number, min = 1): Parsed<string> {
  const isTooShort = min > 1 ? !isLongerThan(value, min - 1) : value.length < min;
  if (isTooShort || isLongerThan(value, max)) {
    return err(`${min} to ${max} characters`);
  }
  if (!value.isWellFormed()) return err('well-formed Unicode without lone surrogates');
  return ok(value);
}

/** Accepts digits too: as a JavaScript number, 1.00000000000000001 would be 1 and pass. */
export function parseInteger(exact: number | string, min: number, max: number): Parsed<number> {
  const integerValue = Number(exact);
  const isValid =
    Number.isSafeInteger(integerValue) &&
    integerValue >= min &&
    integerValue <= max &&
    (typeof exact === 'number' || new Big(exact).eq(integerValue));
  return isValid ? ok(integerValue) : err(`an integer from ${min} to ${max}`);
}

/** What `translate` of an order definition returns. */
export type TranslatedFields<Order> =
  | { readonly ok: true; readonly value: Order }
  | { readonly ok: false; readonly issues: readonly ValidationIssue[] };

/**
 * A `translate` function that checks all fields of a schema at once and reports every one that is invalid.
 *
 * @param findIssues rules that concern several fields, such as a total; called once all fields are valid
 */
export function translateWith<Schema extends z.ZodType, Order>(
  schema: Schema,
  toOrder: (fields: z.output<Schema>) => Order,
  findIssues: (order: Order) => readonly ValidationIssue[] = () => [],
): (message: JsonObject) => TranslatedFields<Order> {
  const compiled = z.compile(schema);
  return (message) => {
    const fields = compiled.safeParse(message);
    if (fields.success) {
      const order = toOrder(fields.data);
      const issues = findIssues(order);
      return issues.length > 0 ? { ok: false, issues } : { ok: true, value: order };
    }
    const issues = fields.error.issues.map((issue) => ({
      path: formatPath(issue.path),
      problem: issue.message,
    }));
    return { ok: false, issues };
  };
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((joined, key) => {
    if (typeof key === 'number') return `${joined}[${key}]`;
    return joined === '' ? String(key) : `${joined}.${String(key)}`;
  }, '');
}

const unwrap = <Value>(parsed: Parsed<Value>, context: z.RefinementCtx): Value =>
  parsed.ok ? parsed.value : reject(parsed.expected, context);

function reject(expected: string, context: z.RefinementCtx): never {
  context.addIssue({ code: 'custom', message: `expected ${expected}` });
  return z.NEVER;
}
