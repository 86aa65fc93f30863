/** By pino's number: its name, and the color of the terminal (SGR). */
const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
  10: ['TRACE', 90],
  20: ['DEBUG', 34],
  30: ['INFO', 32],
  40: ['WARN', 33],
  50: ['ERROR', 31],
  60: ['FATAL', 41],
};
const MESSAGE_COLOR = 36;
const FIELD_COLOR = 35;

const NOT_FIELDS = ['level', 'time', 'pid', 'service', 'msg'];

/**
 * A line of JSON from pino as text for people: the time of day, the level, the event and its message, then one
 * field per line. Control characters are escaped, so that what is logged cannot control the terminal.
 */
export function readableLine(line: string, isColored: boolean): string {
  const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const paint = (color: number, text: string) =>
    isColored ? `\x1b[${color}m${text}\x1b[0m` : text;
  const [name, color] = LEVELS[Number(entry['level'])] ?? [String(entry['level']), 0];
  // `2026-01-31T12:00:00.000Z`
  const time = String(entry['time']).slice(11, -1);
  const message = [entry['event'], entry['msg']]
    .filter((part) => typeof part === 'string')
    .join(': ');
  const fields = Object.entries(entry)
    .filter(([key]) => !NOT_FIELDS.includes(key))
    .map(([key, value]) => `    ${paint(FIELD_COLOR, key)}: ${valueText(value)}\n`);
  return `[${time}] ${paint(color, name)}: ${paint(MESSAGE_COLOR, escaped(message))}\n${fields.join('')}`;
}

const valueText = (value: unknown): string =>
  escaped(JSON.stringify(value, undefined, 2)).replaceAll('\n', '\n    ');

/** JSON escapes those below U+0020 only. */
const escaped = (text: string): string =>
  text.replace(/(?!\n)[\p{Cc}\u2028\u2029]/gu, (character) => escapeSequence(character));

const escapeSequence = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
