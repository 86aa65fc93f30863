import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { payloadSettings } from '../../../src/config/payload-settings.ts';
import { readSettings } from '../../../src/config/read-settings.ts';

const read = (text: string) =>
  readSettings({ payload: payloadSettings }, { TEMPORAL_PAYLOAD_KEYS: text }).payload.keys;

const base64 = (bytes = 32) => randomBytes(bytes).toString('base64');

/** The message of the error that reports the mistakes. */
function mistakesIn(text: string): string {
  try {
    read(text);
    return '';
  } catch (error) {
    return String(error);
  }
}

test('keys are separated by commas or white space, and keep their order', () => {
  const [one, two, three] = [base64(), base64(), base64()];
  const keys = read(`new:${one}, old.1:${two}\nold_2-x:${three}\n`)?.current();
  expect(keys?.map(({ id }) => id)).toEqual(['new', 'old.1', 'old_2-x']);
  expect(keys?.map(({ key }) => key.export().toString('base64'))).toEqual([one, two, three]);
});

test('base64url and missing padding are accepted', () => {
  const bytes = Buffer.alloc(32, 0xfb);
  const [key] = read(`a:${bytes.toString('base64url')}`)?.current() ?? [];
  expect(key?.key.export()).toEqual(bytes);
});

test('a key of the wrong length is named with its length', () => {
  expect(mistakesIn(`good:${base64()},short:${base64(16)}`)).toMatch(/"short" has 16 bytes/);
  expect(mistakesIn(`long:${base64(33)}`)).toMatch(/"long" has 33 bytes/);
});

test.each([
  ['a key without an ID', base64()],
  ['an empty ID', `:${base64()}`],
  ['an ID with a space', `my key:${base64()}`],
  ['text that is not base64', `a:${'*'.repeat(44)}`],
  ['separators only', ' , '],
])('%s is a mistake whose message shows no part of the value', (_, text) => {
  const message = mistakesIn(text);
  expect(message).toContain('TEMPORAL_PAYLOAD_KEYS');
  for (const part of text.split(/[\s,:]+/).filter((word) => word.length > 6)) {
    expect(message).not.toContain(part);
  }
});

test('two keys with one ID are a mistake', () => {
  expect(mistakesIn(`a:${base64()},a:${base64()}`)).toMatch(/"a"/);
});

test('a key is not shown when the settings are printed', () => {
  const text = base64();
  const keys = read(`a:${text}`);
  const bytes = Buffer.from(text, 'base64');
  const shown = [inspect(keys?.current(), { depth: null }), JSON.stringify(keys?.current())].join();
  expect(shown).not.toContain(text);
  expect(shown).not.toContain(bytes.toString('hex').slice(0, 8));
});
