const given = process.env;

/** What `npm run test:upgrades` was given (`--help` explains it), or the short form of `npm test`. */
export const OPTIONS = {
  seed: Number(given['UPGRADE_SEED'] ?? Math.floor(Math.random() * 1_000_000)),
  /** How many messages to send at least. */
  orders: Number(given['UPGRADE_ORDERS'] ?? 150),
  /** Messages per second. */
  rate: Number(given['UPGRADE_RATE'] ?? 25),
  /** Whether the run is `npm run test:upgrades` and not `npm test`. */
  isLong: given['UPGRADE_ORDERS'] !== undefined,
};

/** Names the run in the title of a test. */
export const RUN = `seed ${OPTIONS.seed}, ${OPTIONS.orders} messages at ${OPTIONS.rate} per second`;

/** A busy machine may take long; a run without progress fails earlier. */
export const TIMEOUT_MS = (OPTIONS.orders / OPTIONS.rate) * 1000 + 1_800_000;
