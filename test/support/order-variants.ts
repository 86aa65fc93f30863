import { orderText } from './messages.ts';

/**
 * What version 0.1.0 has written: the fingerprint covered the whole JSON value, every digit and every
 * unknown field. Recorded with that version's code, not computed with today's.
 */
export const STORED_BY_V0_1_0 = {
  orderId: 'A-1001',
  text: orderText('A-1001'),
  fingerprint: '71d248332ba92b110627e0d851406fdfcf0c6e1b19bacdd9d4e6ae007b26fa15',
} as const;

/** The same order as `orderText`, in other words. */
export const SAME_ORDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'an unknown field': { trace_id: '"4bf92f35"' },
  'a sent_at': { sent_at: '"2026-11-24T10:00:00Z"' },
  'another spelling of the instant': { created_at: '"2026-11-24 08:30:00,1234569Z"' },
  'another spelling of an amount': { total_price: '"9.9950e1"' },
  'an unknown field in a line item, and other spellings there': {
    line_items:
      '[{"unit_price": "10.5", "product_id": "P-7", "quantity": 2.0, "note": null}, {"product_id": "P-8", "quantity": 1e0, "unit_price": 78.950}]',
  },
};

/** Other orders than `orderText`, each by one known field. */
export const DIFFERENT_ORDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'another instant': { created_at: '"2026-11-24T08:30:00.123457Z"' },
  'another name': { customer_name: '"Ada  Lovelace"' },
  'another total': { total_price: '99.950000000000000001' },
  'another product': {
    line_items:
      '[{"product_id": "P-9", "quantity": 2, "unit_price": 10.50}, {"product_id": "P-8", "quantity": 1, "unit_price": 78.95}]',
  },
  'another quantity': {
    line_items:
      '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.50}, {"product_id": "P-8", "quantity": 2, "unit_price": 78.95}]',
  },
  'another unit price': {
    line_items:
      '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.51}, {"product_id": "P-8", "quantity": 1, "unit_price": 78.95}]',
  },
  'another order of line items': {
    line_items:
      '[{"product_id": "P-8", "quantity": 1, "unit_price": 78.95}, {"product_id": "P-7", "quantity": 2, "unit_price": 10.50}]',
  },
  'one line item less': {
    line_items: '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.50}]',
  },
  'one line item more': {
    line_items:
      '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.50}, {"product_id": "P-8", "quantity": 1, "unit_price": 78.95}, {"product_id": "P-8", "quantity": 1, "unit_price": 78.95}]',
  },
};
