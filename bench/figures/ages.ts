import { ageOf, type Age, type StoredResult } from '../harness/stored-result.ts';

const MARKS: Readonly<Record<Age['kind'], string>> = {
  current: '',
  older: ' †',
  'not-recorded': ' ‡',
};

const NOTES: Readonly<Record<Exclude<Age['kind'], 'current'>, string>> = {
  older: '† The code that is measured, or one of its main packages, has changed since.',
  'not-recorded':
    '‡ Measured on 27 or 28 November 2026, before results recorded the code and the configuration: with an older version, calls compressed with gzip, four task-queue partitions and, on Postgres, Temporal 1.29.1 as installed.',
};

/** The day of a measurement, with a mark if it is older than the code. Collects the marks for the notes below. */
export interface Days {
  of(result: StoredResult, modules: readonly string[]): string;
  /** The marks that were used, explained: to be put below the table. Empty if there were none. */
  notes(): string;
}

export function createDays(): Days {
  const used = new Set<Age['kind']>();
  return {
    of(result, modules) {
      const { kind } = ageOf(result, modules);
      used.add(kind);
      return `${result.measured.slice(0, 10)}${MARKS[kind]}`;
    },
    notes: () =>
      (['older', 'not-recorded'] as const)
        .filter((kind) => used.has(kind))
        .map((kind) => NOTES[kind])
        .join('\n\n'),
  };
}

/** A table, and below it what its marks mean. */
export const withNotes = (table: string, days: Days): string =>
  [table, days.notes()].filter((text) => text !== '').join('\n\n');
