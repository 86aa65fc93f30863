/** Length in Unicode code points, the unit in which Postgres and a reader count. */
export function characterCount(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    if ((text.codePointAt(index) ?? 0) > 0xffff) index += 1;
    count += 1;
  }
  return count;
}

/** Without counting where even every unit a character would be few enough. */
export const isLongerThan = (text: string, characters: number): boolean =>
  text.length > characters && characterCount(text) > characters;
