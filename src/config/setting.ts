import { z } from 'zod';

/** One environment variable: how it is read, and what the configuration reference says of it. */
export interface Setting<Schema extends z.ZodType<unknown, string> = z.ZodType<unknown, string>> {
  readonly name: string;
  readonly schema: Schema;
  /** As it would be written in the environment. Without one the setting is required or optional. */
  readonly default?: string;
  /** May be left out although it has no default. */
  readonly optional?: true;
  /** Never shown: passwords, and addresses that may hold one. */
  readonly secret?: true;
  /** What it means and why its default is what it is; a sentence or two for the reference. */
  readonly description: string;
}

export type SettingGroup = Readonly<Record<string, Setting>>;

type Value<S extends Setting> = S extends { optional: true }
  ? z.output<S['schema']> | undefined
  : z.output<S['schema']>;

export type Values<Group extends SettingGroup> = {
  readonly [Key in keyof Group]: Value<Group[Key]>;
};

/** Keeps the exact type of each setting. */
export const settingGroup = <const Group extends SettingGroup>(group: Group): Group => group;

export const text = z.string();

export const url = (...protocols: string[]) =>
  z
    .string()
    .refine((value) => protocols.includes(URL.canParse(value) ? new URL(value).protocol : ''), {
      error: `expected a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    });

export const integer = (min: number, max: number) =>
  z
    .string()
    .refine((value) => /^-?\d+$/.test(value) && Number(value) >= min && Number(value) <= max, {
      error: `expected an integer from ${min} to ${max}`,
    })
    .transform(Number);

export const choice = <const Choices extends readonly [string, ...string[]]>(choices: Choices) =>
  z.enum(choices, { error: `expected one of ${choices.join(', ')}` }) as z.ZodType<
    Choices[number],
    string
  >;

export const flag = choice(['true', 'false']).transform((value) => value === 'true');

/** `host:port,host:port` */
export const brokerList = z
  .string()
  .transform((value) => value.split(',').map((broker) => broker.trim()))
  // kafkajs 2.2.4 splits each at its first colon (cluster/connectionPoolBuilder.js).
  .refine((brokers) => !brokers.some((broker) => /^[^,]*:[^,]*:/.test(broker)), {
    error:
      'the Kafka client cannot take an IPv6 address or a protocol here; give host:port with a host name, such as one from /etc/hosts',
    abort: true,
  })
  .refine((brokers) => brokers.every(isBroker), {
    error: 'expected host:port, several of them with commas between',
  });

function isBroker(broker: string): boolean {
  const port = /^[^\s:/[\]]+:(\d{1,5})$/.exec(broker)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}
