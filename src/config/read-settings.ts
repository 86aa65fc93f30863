import { OperatorError } from '../program/operator-error.ts';
import { givenValue, shownText, type Environment } from './given-value.ts';
import { kafkaSettings, topicMistakes } from './kafka-settings.ts';
import type { Setting, SettingGroup, Values } from './setting.ts';

export type { Environment };

export type Role = Readonly<Record<string, SettingGroup>>;

export type Settings<R extends Role> = { readonly [Group in keyof R]: Values<R[Group]> };

type PartialSettings<R extends Role> = {
  readonly [Group in keyof R]: Partial<Values<R[Group]>>;
};

/**
 * Reads and checks all settings of a role, and the files that hold its secrets. An empty variable counts as
 * unset. Throws an OperatorError that lists all mistakes.
 *
 * @param contradictions returns mistakes in the combination of settings that are valid by themselves;
 *   settings that are not are undefined in its argument
 */
export function readSettings<R extends Role>(
  role: R,
  env: Environment,
  contradictions: (settings: PartialSettings<R>) => readonly string[] = () => [],
): Settings<R> {
  const mistakes: string[] = [];
  const settings = mapValues(role, (group) =>
    mapValues(group, (setting) => readSetting(setting, env, mistakes)),
  );
  // Here and not in `contradictions`, so that no command can omit it: `setup` would create such topics.
  const kafka = Object.entries(role).find(([, group]) => group === kafkaSettings);
  if (kafka) mistakes.push(...topicMistakes(settings[kafka[0]] ?? {}));
  mistakes.push(...contradictions(settings as PartialSettings<R>));
  if (mistakes.length > 0) {
    throw new OperatorError(
      'SETTINGS_INVALID',
      `${mistakes.length === 1 ? 'A setting is' : `${mistakes.length} settings are`} wrong:\n${mistakes.map((m) => `  ${m}`).join('\n')}`,
      'docs/configuration.md explains every setting',
    );
  }
  return settings as Settings<R>;
}

function readSetting(setting: Setting, env: Environment, mistakes: string[]): unknown {
  const given = givenValue(setting, env);
  if (given.from === 'unset') {
    if (!setting.optional) mistakes.push(`${setting.name} is not set. ${setting.description}`);
    return undefined;
  }
  if ('mistake' in given) {
    mistakes.push(`${setting.name}: ${given.mistake}`);
    return undefined;
  }
  const parsed = setting.schema.safeParse(given.value);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map(({ message }) => message).join(', ');
  mistakes.push(`${setting.name}: ${problem}${shownValue(setting, given)}`);
  return undefined;
}

function shownValue(setting: Setting, given: ReturnType<typeof givenValue>): string {
  if (given.from === 'file') return `, in the file ${given.file}`;
  return setting.secret || !('value' in given) ? '' : `, got "${shownText(given.value)}"`;
}

const mapValues = <In, Out>(record: Readonly<Record<string, In>>, map: (value: In) => Out) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
