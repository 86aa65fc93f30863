import { existsSync, readdirSync } from 'node:fs';

const isFunction = (value: unknown) => typeof value === 'function';
const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

interface Part {
  readonly isValid: (value: unknown) => boolean;
  readonly expected: string;
}
const text: Part = { isValid: isText, expected: 'a string' };
const aFunction: Part = { isValid: isFunction, expected: 'a function' };
const object: Part = { isValid: isObject, expected: 'an object' };

const PARTS = { name: text, identify: aFunction, translate: aFunction, storage: object };
const OPTIONAL_PARTS = {
  ...{ toJson: aFunction, fromJson: aFunction, filterByOrderId: aFunction },
  ...{ recognizes: aFunction, samples: aFunction },
};
const STORAGE_PARTS = {
  ...{ orderTable: text, tables: object, migrationsDir: text, migrationsTable: text },
  ...{ store: aFunction, findByIds: aFunction, hasValues: aFunction, describe: aFunction },
};

/** What keeps a value from being an order module: each part that is missing or does not fit. */
export function missingParts(candidate: unknown): readonly string[] {
  if (candidate === undefined) return ['it has no default export'];
  if (!isObject(candidate)) return [`its default export is ${kindOf(candidate)}, not an object`];
  const problems = [
    ...problemsIn(candidate, PARTS, ''),
    ...problemsIn(candidate, OPTIONAL_PARTS, '', true),
  ];
  if (isFunction(candidate['toJson']) !== isFunction(candidate['fromJson'])) {
    problems.push('toJson and fromJson belong together, and one of them is missing');
  }
  const { storage } = candidate;
  if (isObject(storage)) {
    problems.push(...problemsIn(storage, STORAGE_PARTS, 'storage.'), ...migrationProblems(storage));
  }
  return problems.length > 0 ? problems : trialProblems(candidate);
}

function problemsIn(
  object: Readonly<Record<string, unknown>>,
  parts: Readonly<Record<string, Part>>,
  prefix: string,
  isOptional = false,
): readonly string[] {
  return Object.entries(parts).flatMap(([name, { isValid, expected }]) => {
    const value = object[name];
    if (isValid(value) || (isOptional && value === undefined)) return [];
    return [
      value === undefined
        ? `${prefix}${name} is missing`
        : `${prefix}${name} is ${kindOf(value)}, not ${expected}`,
    ];
  });
}

function migrationProblems({
  migrationsDir,
}: Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof migrationsDir !== 'string' || migrationsDir === '') return [];
  if (!existsSync(migrationsDir)) return [`there is no folder ${migrationsDir} with migrations`];
  return readdirSync(migrationsDir).some((file) => file.endsWith('.sql'))
    ? []
    : [`there is no .sql file in ${migrationsDir}`];
}

/**
 * Tries the two functions that every message passes with an empty object. A module that is asynchronous, or
 * reads a field of a field without looking, would otherwise fail with the first message.
 */
function trialProblems(candidate: Readonly<Record<string, unknown>>): readonly string[] {
  return [
    ...trialProblem(candidate, 'identify', ['order', 'unusable']),
    ...trialProblem(candidate, 'translate', ['translated', 'invalid']),
  ];
}

function trialProblem(
  candidate: Readonly<Record<string, unknown>>,
  name: 'identify' | 'translate',
  kinds: readonly string[],
): readonly string[] {
  try {
    const result: unknown = (candidate[name] as (message: unknown) => unknown).call(candidate, {});
    if (isObject(result) && kinds.includes(String(result['kind']))) return [];
    return [
      `${name} returns ${kindOf(result)} for an empty object, not one with the kind ${kinds.join(' or ')}`,
    ];
  } catch (error) {
    return [
      `${name} throws for an empty object (orderId and translate must accept a message without any field): ${String(error)}`,
    ];
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
