import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { describeError } from '../program/operator-error.ts';
import type { Setting } from './setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The text of a setting before it is parsed, and where it comes from. */
export type GivenValue =
  | { readonly from: 'environment' | 'default'; readonly value: string }
  | { readonly from: 'file'; readonly file: string; readonly value: string }
  | { readonly from: 'file'; readonly file: string; readonly mistake: string }
  | { readonly from: 'environment'; readonly mistake: string }
  | { readonly from: 'unset' };

/** The variable that names a file with the value, which only secrets have. */
export const fileVariable = ({ name, secret }: Pick<Setting, 'name' | 'secret'>) =>
  secret ? `${name}_FILE` : undefined;

/**
 * Where the value of a setting comes from: its variable, the file that `<name>_FILE` names, or its default.
 * An empty variable counts as unset. A mistake names the setting and the file, never the value.
 */
export function givenValue(setting: Setting, env: Environment): GivenValue {
  const variable = fileVariable(setting);
  const file = (variable === undefined ? undefined : env[variable]) || undefined;
  const value = env[setting.name] || undefined;
  if (variable !== undefined && file !== undefined) {
    return value === undefined
      ? readSecretFile(variable, file)
      : {
          from: 'environment',
          mistake: `${variable} is set too; unset one of them`,
        };
  }
  if (value !== undefined) return { from: 'environment', value };
  return setting.default === undefined
    ? { from: 'unset' }
    : { from: 'default', value: setting.default };
}

/**
 * A value as it may be shown: a URL or an address that should not hold credentials may hold some by mistake. What
 * is before the last "@" is masked, because a password may contain any character.
 */
export const shownText = (value: string): string =>
  value.replace(
    /^([a-z][a-z\d+.-]*:\/\/)?(.*)@/is,
    (text, scheme: string | undefined, before: string) =>
      scheme !== undefined || before.includes(':') ? `${scheme ?? ''}********@` : text,
  );

/** A URL, or whatever else is not clearly a path, is probably the secret itself and must not be shown. */
const isPath = (file: string): boolean =>
  /^(?:~|\.{0,2}[\\/]|[a-z]:[\\/])/i.test(file) && !file.includes('://');

/**
 * Reads a file as Docker and Kubernetes mount secrets. One newline at the end is removed, because editors and
 * `echo` add it; anything else is part of the value.
 */
function readSecretFile(variable: string, file: string): GivenValue {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    // Node.js names the path for some errors only.
    const reason = describeError(error).replace(/, \w+( '.*')?$/s, '');
    // Other errors mean that the file exists.
    const isMissing = /^(?:ENOENT|ENOTDIR|ENAMETOOLONG)/.test(reason);
    if (isMissing && !isPath(file)) {
      return {
        from: 'environment',
        mistake: `${variable} must be the path of a file that holds the value; there is no such file, and the text is not shown because it may be the secret`,
      };
    }
    return mistakeIn(file, `${variable} names a file that cannot be read: ${file} (${reason})`);
  }
  // Text in UTF-16 has NUL bytes and may be valid UTF-8 otherwise.
  if (!isUtf8(bytes) || bytes.includes(0)) {
    return mistakeIn(file, `${variable} names a file that is not UTF-8 text: ${file}`);
  }
  const value = bytes.toString('utf8').replace(/\r?\n$/, '');
  return value === ''
    ? mistakeIn(file, `${variable} names a file that is empty: ${file}`)
    : { from: 'file', file, value };
}

const mistakeIn = (file: string, mistake: string): GivenValue => ({ from: 'file', file, mistake });
