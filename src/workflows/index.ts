/** Every workflow that a worker registers, under the name of its function. */
export { ingestOrder } from './ingest-order.ts';
