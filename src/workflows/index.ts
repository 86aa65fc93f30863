/** The workflows of a worker. Temporal knows each by the name of its function. */
export { ingestOrder } from './ingest-order.ts';
