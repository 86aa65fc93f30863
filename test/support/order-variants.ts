import { orderText } from './messages.ts';

/**
 * An order with the fingerprint that version 0.1.0 stored. It covers the whole JSON value, with every digit
 * and unknown fields. It was recorded with that version and is not computed by current code.
 */
export const STORED_BY_V0_1_0 = {
  orderId: 'A-1001',
  text: orderText('A-1001'),
  fingerprint: '71d248332ba92b110627e0d851406fdfcf0c6e1b19bacdd9d4e6ae007b26fa15',
} as const;

/** Changes to `orderText` after which it is still the same order. */
export const SAME_ORDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'an unknown field': { trace_id: '"4bf92f35"' },
  'a sent_at': { sent_at: '"2026-11-24T10:00:00Z"' },
  'the instant written differently': { created_at: '"2026-11-24 08:30:00,1234569Z"' },
  'an amount written differently': { total_price: '"9.9950e1"' },
  'a line item written differently, with an unknown field': {
    line_items:
      '[{"unit_price": "10.5", "product_id": "P-7", "quantity": 2.0, "note": null}, {"product_id": "P-8", "quantity": 1e0, "unit_price": 78.950}]',
  },
};

/** Changes to `orderText`, each in one known field, that make it a different order. */
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
  'one line item fewer': {
    line_items: '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.50}]',
  },
  'one line item more': {
    line_items:
      '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.50}, {"product_id": "P-8", "quantity": 1, "unit_price": 78.95}, {"product_id": "P-8", "quantity": 1, "unit_price": 78.95}]',
  },
};
