/** How a run of an order's workflow stands, as people name it. */
export const ORDER_STATUSES = [
  'running',
  'completed',
  'failed',
  'cancelled',
  'terminated',
  'timed-out',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];
