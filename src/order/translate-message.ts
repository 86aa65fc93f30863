import { parseJson } from '../contract/json.ts';
import { orderSchema, toOrder } from './message-schema.ts';
import type { Order } from './order.ts';

export type Translation =
  | { readonly kind: 'translated'; readonly order: Order }
  | { readonly kind: 'invalid'; readonly issues: readonly ValidationIssue[] };

/** An invalid field, such as `line_items[2].quantity`, and `expected an integer from 1 to …`. */
export interface ValidationIssue {
  readonly path: string;
  readonly problem: string;
}

/**
 * The anti-corruption layer: translates a message's text into an order of the domain. Reports all invalid
 * fields at once. It quotes no values, which may hold personal data.
 */
export function translateMessage(text: string): Translation {
  const json = parseJson(text);
  if (!json.ok) return { kind: 'invalid', issues: [{ path: '', problem: json.error }] };
  const order = orderSchema.safeParse(json.value);
  if (!order.success) {
    const issues = order.error.issues.map(({ path, message }) => ({
      path: formatPath(path),
      problem: message,
    }));
    return { kind: 'invalid', issues };
  }
  return { kind: 'translated', order: toOrder(order.data) };
}

export const formatIssue = ({ path, problem }: ValidationIssue): string =>
  path === '' ? problem : `${path}: ${problem}`;

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
