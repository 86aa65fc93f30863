/** The statuses of a run of an order's workflow, with the names that visibility queries use. */
export const QUERY_NAMES = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  'timed-out': 'TimedOut',
} as const;

export type OrderStatus = keyof typeof QUERY_NAMES;
