import type { Client } from '@temporalio/client';

/** Where the orders of one service are. */
export interface OrderPlace {
  readonly client: Client;
  readonly workflowIdPrefix: string;
}
