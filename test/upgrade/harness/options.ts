/** What `npm run test:upgrades` was given, or the short form of `npm test`. */
export interface UpgradeOptions {
  readonly seed: number;
  /** How many messages to send at least. */
  readonly orders: number;
  /** Messages per second. */
  readonly rate: number;
  /** Whether the run is `npm run test:upgrades` and not `npm test`. */
  readonly isLong: boolean;
}

export const upgradeOptions = (): UpgradeOptions => ({
  seed: Number(process.env['UPGRADE_SEED'] ?? Math.floor(Math.random() * 1_000_000)),
  orders: Number(process.env['UPGRADE_ORDERS'] ?? 100),
  rate: Number(process.env['UPGRADE_RATE'] ?? 15),
  isLong: process.env['UPGRADE_ORDERS'] !== undefined,
});
