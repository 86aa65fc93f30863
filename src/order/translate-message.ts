import type { Order } from './order.ts';
import { parseJson, type Json } from '../contract/json.ts';
import { orderSchema, toOrder } from './message-schema.ts';

export type Translation =
  /** With the JSON value that the order was made from. */
  | { readonly kind: 'translated'; readonly order: Order; readonly json: Json }
  | { readonly kind: 'invalid'; readonly issues: readonly ValidationIssue[] };

/** One field at fault: `line_items[2].quantity`, and `expected an integer from 1 to …`. */
export interface ValidationIssue {
  readonly path: string;
  readonly problem: string;
}

/**
 * The anti-corruption layer: a message's text in, the domain's order out. Names every field at
 * fault at once, and quotes none of them: they may hold personal data.
 */
export function translateMessage(text: string): Translation {
  const json = parseJson(text);
  if (!json.ok) return { kind: 'invalid', issues: [{ path: '', problem: json.error }] };
  const order = orderSchema.safeParse(json.value);
  if (!order.success) {
    const faults = order.error.issues.map(({ path, message }) => ({
      path: formatPath(path),
      problem: message,
    }));
    return { kind: 'invalid', issues: faults };
  }
  return { kind: 'translated', order: toOrder(order.data), json: json.value };
}

export const formatIssue = ({ path, problem }: ValidationIssue): string =>
  path === '' ? problem : `${path}: ${problem}`;

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
