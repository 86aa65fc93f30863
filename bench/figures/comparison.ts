import { comparisonTables, conditions, priceRange } from '../rivals/describe.ts';
import { readSideBySide, SIDE_BY_SIDE_CODE } from '../rivals/read-result.ts';
import { createDays, withNotes } from './ages.ts';

const PICTURE =
  '![Orders per second from a full topic to rows, for each system](images/side-by-side.svg)';

/** A part of the comparison with other systems, such as a table; what to do if it has not been measured. */
export function comparison(folder: string, part: string): string {
  const result = readSideBySide(folder);
  if (!result) return 'Not measured with this version yet: `npm run bench -- side-by-side`.';
  const days = createDays(folder);
  const day = days.of(result, SIDE_BY_SIDE_CODE);
  const { summary, forms, ...tables } = comparisonTables(result.rivals);
  // Tables on other pages than the conditions say themselves when they were measured.
  const alone = (table: string) => withNotes(`${table}\n\nMeasured on ${day}.`, days);
  const parts: Readonly<Record<string, string>> = {
    ...tables,
    summary: alone(summary),
    forms: alone(forms),
    conditions: withNotes(conditions(result, day), days),
    picture: PICTURE,
    price: priceRange(result.rivals),
  };
  const text = parts[part];
  if (text === undefined) throw new Error(`the comparison has no part "${part}"`);
  return text;
}
