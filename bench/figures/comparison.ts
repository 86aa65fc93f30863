import { comparisonTables, conditions, priceRange } from '../rivals/describe.ts';
import { readSideBySide } from '../rivals/read-result.ts';

const PICTURE =
  '![Orders per second from a full topic to rows, for each system](images/side-by-side.svg)';

/** A part of the comparison with other systems, such as a table; what to do if it has not been measured. */
export function comparison(folder: string, part: string): string {
  const result = readSideBySide(folder);
  if (!result) return 'Not measured with this version yet: `npm run bench -- side-by-side`.';
  const tables = comparisonTables(result.rivals);
  const parts: Readonly<Record<string, string>> = {
    ...tables,
    conditions: conditions(result),
    picture: PICTURE,
    price: priceRange(result.rivals),
  };
  const text = parts[part];
  if (text === undefined) throw new Error(`the comparison has no part "${part}"`);
  return text;
}
