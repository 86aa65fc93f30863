import type { Environment } from './read-settings.ts';
import { SECTIONS } from './sections.ts';
import type { Setting } from './setting.ts';

/** The effective settings as text: a line each, mistakes marked, secrets never shown. */
export function settingsReport(env: Environment): string {
  return SECTIONS.map(({ title, readBy, settings }) => {
    const lines = Object.values(settings).map((setting) => line(setting, env));
    return [`# ${title} (${readBy.join(', ')})`, ...lines].join('\n');
  }).join('\n\n');
}

function line(setting: Setting, env: Environment): string {
  const given = env[setting.name];
  const value = given || setting.default;
  if (value === undefined) {
    return `# ${setting.name} is not set${setting.optional ? '' : ', and required'}`;
  }
  const shown = setting.secret ? '********' : value;
  const parsed = setting.schema.safeParse(value);
  const problem = parsed.success
    ? ''
    : `  # WRONG: ${parsed.error.issues.map(({ message }) => message).join(', ')}`;
  return `${setting.name}=${shown}${given ? '' : '  # default'}${problem}`;
}
