/** `1 message`, `2 messages`. For nouns whose plural ends in a plain `s`. */
export const counted = (count: number | bigint, noun: string): string =>
  `${count} ${noun}${isOne(count) ? '' : 's'}`;

/** `is` or `are`, for what `counted` counts. */
export const isOrAre = (count: number | bigint): string => (isOne(count) ? 'is' : 'are');

const isOne = (count: number | bigint): boolean => Number(count) === 1;
