import { givenValue, shownText, type Environment } from './given-value.ts';
import { SECTIONS } from './sections.ts';
import type { Setting } from './setting.ts';

/** The effective value of one setting. */
export interface ReportedSetting {
  readonly name: string;
  /** `********` for a secret; undefined if the setting is unset. */
  readonly value: string | undefined;
  readonly from: 'environment' | 'file' | 'default' | 'unset';
  /** The file that holds the value, if one does. */
  readonly file?: string;
  /** Why the value is invalid, if it is. */
  readonly problem: string | undefined;
}

/** The effective settings by section. Secrets are masked. */
export const reportSettings = (env: Environment) =>
  SECTIONS.map(({ title, readBy, settings }) => ({
    title,
    readBy,
    settings: Object.values(settings).map((setting) => reported(setting, env)),
  }));

/** The same as text: one line per setting, with mistakes marked. */
export const settingsReport = (env: Environment): string =>
  reportSettings(env)
    .map(({ title, readBy, settings }) =>
      [`# ${title} (${readBy.join(', ')})`, ...settings.map(line)].join('\n'),
    )
    .join('\n\n');

function reported(setting: Setting, env: Environment): ReportedSetting {
  const { name } = setting;
  const given = givenValue(setting, env);
  if (given.from === 'unset') {
    const problem = setting.optional ? undefined : 'required';
    return { name, value: undefined, from: 'unset', problem };
  }
  const source =
    given.from === 'file' ? { from: given.from, file: given.file } : { from: given.from };
  if ('mistake' in given) return { name, value: undefined, ...source, problem: given.mistake };
  const parsed = setting.schema.safeParse(given.value);
  return {
    name,
    value: setting.secret ? '********' : shownText(given.value),
    ...source,
    problem: parsed.success
      ? undefined
      : parsed.error.issues.map(({ message }) => message).join(', '),
  };
}

function line({ name, value, from, file, problem }: ReportedSetting): string {
  if (from === 'unset') {
    return `# ${name} is not set${problem === undefined ? '' : `, but ${problem}`}`;
  }
  const source = { default: '  # default', file: `  # from ${file}`, environment: '' }[from];
  return `${name}=${value ?? ''}${source}${problem === undefined ? '' : `  # INVALID: ${problem}`}`;
}
