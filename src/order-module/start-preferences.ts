import { hash } from 'node:crypto';
import type { StartPreferences } from '../contract/order-module.ts';
import {
  FAIRNESS_KEY_MAX_BYTES,
  FAIRNESS_WEIGHT,
  isPriority,
  START_DELAY_MAX_MS,
} from '../contract/priority.ts';

/** Start preferences that Temporal accepts, and what was wrong with the module's own. */
export interface CheckedPreferences {
  readonly start: StartPreferences | undefined;
  /** Each names the preference and what was expected; quotes no value. */
  readonly problems: readonly string[];
}

const NOTHING_TO_CHECK: CheckedPreferences = { start: undefined, problems: [] };

/**
 * Makes of an order module's start preferences those that Temporal accepts. Temporal rejects the start for an
 * invalid one, which would make the order a dead letter, or fails for good, which would block the partition.
 * The module's author may have written JavaScript, so no type is trusted.
 *
 * A value without a meaning is left out, one beyond a limit becomes the limit, and a fairness key that Temporal
 * cannot take becomes its hash, so that different keys stay different.
 */
export function checkPreferences(preferences: unknown): CheckedPreferences {
  if (preferences === undefined || preferences === null) return NOTHING_TO_CHECK;
  if (typeof preferences !== 'object') {
    return {
      start: undefined,
      problems: [`start: expected an object, received ${typeof preferences}`],
    };
  }
  const problems: string[] = [];
  const given: Readonly<Partial<Record<string, unknown>>> = { ...preferences };
  const use = <Value>(
    name: keyof StartPreferences,
    check: (value: unknown) => Checked<Value>,
  ): Value | undefined => {
    const value = given[name];
    if (value === undefined || value === null) return undefined;
    const checked = check(value);
    if (checked.problem !== undefined) problems.push(`${name}: ${checked.problem}`);
    return checked.value;
  };
  const priority = use('priority', checkPriority);
  const fairnessKey = use('fairnessKey', checkFairnessKey);
  const fairnessWeight = use('fairnessWeight', checkFairnessWeight);
  const startDelayMs = use('startDelayMs', checkStartDelay);
  return {
    start: {
      ...(priority === undefined ? {} : { priority }),
      ...(fairnessKey ? { fairnessKey } : {}),
      ...(fairnessWeight === undefined ? {} : { fairnessWeight }),
      ...(startDelayMs ? { startDelayMs } : {}),
    },
    problems,
  };
}

interface Checked<Value> {
  readonly value: Value | undefined;
  readonly problem?: string;
}

const leftOut = (expected: string, value: unknown) => ({
  value: undefined,
  problem: `expected ${expected}, received ${typeof value === 'number' ? 'another number' : typeof value}; left out`,
});

const checkPriority = (value: unknown) =>
  isPriority(value) ? { value } : leftOut('an integer from 1 to 5', value);

function checkFairnessKey(value: unknown): Checked<string> {
  if (typeof value !== 'string') return leftOut('a string', value);
  // Protobuf carries no lone surrogate. A control character shows nowhere.
  const isUsable = value.isWellFormed() && !/\p{Cc}/u.test(value);
  if (isUsable && Buffer.byteLength(value) <= FAIRNESS_KEY_MAX_BYTES) return { value };
  return {
    value: hash('sha256', value),
    problem: `expected at most ${FAIRNESS_KEY_MAX_BYTES} bytes of well-formed text without control characters; replaced by its SHA-256`,
  };
}

function checkFairnessWeight(value: unknown): Checked<number> {
  const { min, max } = FAIRNESS_WEIGHT;
  const expected = `a number from ${min} to ${max}`;
  if (typeof value !== 'number' || !(value > 0)) return leftOut(expected, value);
  if (value >= min && value <= max) return { value };
  return { value: Math.min(max, Math.max(min, value)), problem: `expected ${expected}; limited` };
}

function checkStartDelay(value: unknown): Checked<number> {
  const expected = `a number of milliseconds from 0 to ${START_DELAY_MAX_MS}`;
  if (typeof value !== 'number' || !(value >= 0)) return leftOut(expected, value);
  if (value <= START_DELAY_MAX_MS) return { value: Math.ceil(value) };
  return { value: START_DELAY_MAX_MS, problem: `expected ${expected}; limited` };
}
