import { z } from 'zod';
import type { Secret } from './secret.ts';

/** One environment variable: how to parse it, and its text for the configuration reference. */
export interface Setting<Schema extends z.ZodType<unknown, string> = z.ZodType<unknown, string>> {
  readonly name: string;
  readonly schema: Schema;
  /** As written in the environment. A setting without a default is required, unless it is `optional`. */
  readonly default?: string;
  /** May be unset although it has no default. */
  readonly optional?: true;
  /** What an optional setting without a value amounts to, in Markdown, for the reference. */
  readonly unsetMeans?: string;
  /**
   * Never shown: passwords, and URLs that may contain one. `<name>_FILE` may name a file that holds the value
   * instead. Its value is a `Secret`.
   */
  readonly secret?: true;
  /** What it means, and the reason for its default: a few sentences for the reference. */
  readonly description: string;
}

export type SettingGroup = Readonly<Record<string, Setting>>;

type Value<S extends Setting> = S extends { optional: true }
  ? GivenValue<S> | undefined
  : GivenValue<S>;

type GivenValue<S extends Setting> = S extends { secret: true }
  ? Secret<z.output<S['schema']>>
  : z.output<S['schema']>;

export type Values<Group extends SettingGroup> = {
  readonly [Key in keyof Group]: Value<Group[Key]>;
};

/** Keeps the exact type of each setting. */
export const settingGroup = <const Group extends SettingGroup>(group: Group): Group => group;

/** The same setting for a program that needs it, although others do not. */
export const required = <S extends Setting>({ name, schema, description }: S) => ({
  name,
  schema: schema as S['schema'],
  description,
});

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
  .refine((brokers) => !brokers.some((broker) => broker.includes('@')), {
    error:
      'expected host:port without credentials; set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    abort: true,
  })
  // kafkajs 2.2.4 splits each broker at its first colon (cluster/connectionPoolBuilder.js).
  .refine((brokers) => !brokers.some((broker) => /^[^,]*:[^,]*:/.test(broker)), {
    error:
      'the Kafka client does not support an IPv6 address or a protocol here; use host:port with a host name, for instance one from /etc/hosts',
    abort: true,
  })
  .refine((brokers) => brokers.every(isBroker), {
    error: 'expected host:port, or several of them separated by commas',
  });

function isBroker(broker: string): boolean {
  const port = /^[^\s:/[\]]+:(\d{1,5})$/.exec(broker)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}
