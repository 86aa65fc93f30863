import { OperatorError } from '../program/operator-error.ts';
import { givenValue, shownText, type Environment, type GivenValue } from './given-value.ts';
import { kafkaMistakes, kafkaSettings, topicMistakes } from './kafka-settings.ts';
import { payloadMistakes, payloadSettings } from './payload-settings.ts';
import { Secret } from './secret.ts';
import { unknownKafkaNames } from './unknown-names.ts';
import type { Setting, SettingGroup, Values } from './setting.ts';

export type { Environment };

export type Role = Readonly<Record<string, SettingGroup>>;

export type Settings<R extends Role> = { readonly [Group in keyof R]: Values<R[Group]> };

/** Settings that are invalid by themselves are undefined. */
export type PartialSettings<R extends Role> = {
  readonly [Group in keyof R]: Partial<Values<R[Group]>>;
};

/**
 * Reads and checks all settings of a role, and the files that hold its secrets. An empty variable counts as
 * unset. Throws an OperatorError that lists all mistakes.
 *
 * @param contradictions returns mistakes in the combination of settings that are valid by themselves
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
  if (kafka) {
    // A value that is invalid is a mistake already, and must not count as one that is unset.
    const isInvalid = Object.values(kafkaSettings).some(({ name }) =>
      mistakes.some((mistake) => mistake.startsWith(`${name}:`)),
    );
    mistakes.push(...(isInvalid ? topicMistakes : kafkaMistakes)(settings[kafka[0]] ?? {}));
    mistakes.push(...unknownKafkaNames(env));
  }
  const payload = Object.entries(role).find(([, group]) => group === payloadSettings);
  if (payload) mistakes.push(...payloadMistakes(settings[payload[0]] ?? {}));
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
  const parsed = parse(setting, given);
  if (!parsed.ok) {
    mistakes.push(parsed.mistake);
    return undefined;
  }
  if (!setting.secret) return parsed.value;
  return given.from === 'file'
    ? new Secret(() => readAgain(setting, env))
    : new Secret(() => parsed.value);
}

/** The present value of a secret whose file was valid when the program started. */
function readAgain(setting: Setting, env: Environment): unknown {
  const given = givenValue(setting, env);
  const parsed =
    given.from === 'unset'
      ? { ok: false as const, mistake: `${setting.name} is not set` }
      : parse(setting, given);
  if (parsed.ok) return parsed.value;
  throw new OperatorError(
    'SETTINGS_INVALID',
    // On one line: logs and health have only the first line of an error.
    `A setting is wrong: ${parsed.mistake}`,
    'correct the file; it is read again for the next connection',
  );
}

type Parsed =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly mistake: string };

function parse(setting: Setting, given: Exclude<GivenValue, { from: 'unset' }>): Parsed {
  const mistake = (text: string): Parsed => ({ ok: false, mistake: `${setting.name}: ${text}` });
  if ('mistake' in given) return mistake(given.mistake);
  const parsed = setting.schema.safeParse(given.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problem = parsed.error.issues.map(({ message }) => message).join(', ');
  return mistake(`${problem}${shownValue(setting, given)}`);
}

function shownValue(setting: Setting, given: GivenValue): string {
  if (given.from === 'file') return `, in the file ${given.file}`;
  return setting.secret || !('value' in given) ? '' : `, got "${shownText(given.value)}"`;
}

const mapValues = <In, Out>(record: Readonly<Record<string, In>>, map: (value: In) => Out) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
