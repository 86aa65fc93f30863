/*
 * The files in this folder repeat tests of the guarantees with `order-ingest run`: every bridge and every worker that
 * they start is both, in one process.
 */
process.env['TEST_PROGRAMS'] = 'one-process';
