import { ageOf, newestResult, type Age, type StoredResult } from '../harness/stored-result.ts';

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

const ELSEWHERE = '§';

/**
 * The day of a measurement, with a mark if it is older than the code, and one if it was made on another processor than
 * the newest result. Collects the marks for the notes below.
 */
export interface Days {
  of(result: StoredResult, modules: readonly string[]): string;
  /** The marks that were used, explained: to be put below the table. Empty if there were none. */
  notes(): string;
}

/** @param folder that of all results */
export function createDays(folder: string): Days {
  const used = new Set<Age['kind']>();
  const elsewhere = new Set<string>();
  const usual = newestResult(folder)?.machine['processor'];
  return {
    of(result, modules) {
      const { kind } = ageOf(result, modules);
      used.add(kind);
      const day = `${result.measured.slice(0, 10)}${MARKS[kind]}`;
      const { processor = 'unknown' } = result.machine;
      if (processor === usual) return day;
      elsewhere.add(processor);
      return `${day} ${ELSEWHERE}`;
    },
    notes: () =>
      [
        ...(['older', 'not-recorded'] as const)
          .filter((kind) => used.has(kind))
          .map((kind) => NOTES[kind]),
        ...[...elsewhere].map(
          (processor) =>
            `${ELSEWHERE} Measured on another processor than the newest results, ${processor}: absolute figures of the two differ.`,
        ),
      ].join('\n\n'),
  };
}

/** A table, and below it what its marks mean. */
export const withNotes = (table: string, days: Days): string =>
  [table, days.notes()].filter((text) => text !== '').join('\n\n');
