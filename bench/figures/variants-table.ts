import { TEMPORAL_KINDS } from '../../dev/stack/service.ts';
import { readVariants } from '../harness/stored-result.ts';
import { VARIANTS } from '../variants/index.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded, spread } from './numbers.ts';

/** Every comparison of variants that has a result, with a row for each variant. */
export function variantsTable(folder: string): string {
  const days = createDays(folder);
  const rows = VARIANTS.flatMap((variants) =>
    TEMPORAL_KINDS.flatMap((temporal) => {
      const result = readVariants(folder, variants.name, temporal);
      const server = temporal === 'postgres' ? ', Temporal on Postgres' : '';
      return (result?.sides ?? []).map(({ name, value, cpu }, index) => [
        index === 0 ? `\`${variants.name}\`${server}` : '',
        name,
        `${spread(value, rounded)} ${variants.unit}`,
        Object.keys(cpu).length > 0 ? `${rounded(sum(cpu))} ms` : '',
        result && index === 0 ? days.of(result, variants.code) : '',
      ]);
    }),
  );
  return withNotes(
    markdownTable(['name', 'variant', 'figure', 'CPU of all processes, each', 'measured'], rows),
    days,
  );
}

const sum = (cpu: Readonly<Record<string, number>>) =>
  Object.values(cpu).reduce((total, ms) => total + ms, 0);
