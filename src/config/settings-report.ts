import type { Environment } from './read-settings.ts';
import { SECTIONS } from './sections.ts';
import type { Setting } from './setting.ts';

/** The effective value of one setting. */
export interface ReportedSetting {
  readonly name: string;
  /** `********` for a secret; undefined if the setting is unset. */
  readonly value: string | undefined;
  readonly from: 'environment' | 'default' | 'unset';
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
  const given = env[name];
  const value = given || setting.default;
  if (value === undefined) {
    const problem = setting.optional ? undefined : 'required';
    return { name, value, from: 'unset', problem };
  }
  const parsed = setting.schema.safeParse(value);
  return {
    name,
    value: setting.secret ? '********' : value,
    from: given ? 'environment' : 'default',
    problem: parsed.success
      ? undefined
      : parsed.error.issues.map(({ message }) => message).join(', '),
  };
}

function line({ name, value, from, problem }: ReportedSetting): string {
  if (value === undefined) {
    return `# ${name} is not set${problem === undefined ? '' : `, but ${problem}`}`;
  }
  const source = from === 'default' ? '  # default' : '';
  return `${name}=${value}${source}${problem === undefined ? '' : `  # INVALID: ${problem}`}`;
}
