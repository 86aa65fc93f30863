import type { StartPreferences } from './order-module.ts';

/** 1 is the highest, 5 the lowest. Temporal's own default is 3. */
export type Priority = NonNullable<StartPreferences['priority']>;

export const DEFAULT_PRIORITY: Priority = 3;

/**
 * The default of re-runs, replays and requeued dead letters: any number of them waits while live orders
 * wait.
 */
export const LOW_PRIORITY: Priority = 5;

export const isPriority = (value: unknown): value is Priority =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 5;

/** `fairnessKeyMaxLength` of Temporal 1.29 to 1.32, which rejects a start with a longer one. */
export const FAIRNESS_KEY_MAX_BYTES = 64;

/** Temporal's limits, within which it puts any weight but a negative one, which it rejects. */
export const FAIRNESS_WEIGHT = { min: 0.001, max: 1000 } as const;

/** A year. A delay beyond it is most likely a time or a mistaken unit, and the order would seem lost. */
export const START_DELAY_MAX_MS = 365 * 24 * 3_600_000;
