import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { readSettings, type Environment } from '../../../src/config/read-settings.ts';
import {
  BRIDGE_ROLE,
  CODEC_SERVER_ROLE,
  VISIBILITY_ROLE,
  WORKER_ROLE,
} from '../../../src/config/roles.ts';
import { SECTIONS } from '../../../src/config/sections.ts';
import { reportSettings, settingsReport } from '../../../src/config/settings-report.ts';
import { OperatorError } from '../../../src/program/operator-error.ts';
import { temporalTarget } from '../../../src/temporal/connect.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'secret-files-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function secretFile(content: string | Buffer): string {
  const file = path.join(mkdtempSync(path.join(dir, 'secret-')), 'value');
  writeFileSync(file, content);
  return file;
}

const databaseUrl = (env: Environment) => readSettings(WORKER_ROLE, env).database.url.current();

function mistakeOf(read: () => unknown): OperatorError {
  try {
    read();
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('no mistake was reported');
}

const SECRETS = SECTIONS.flatMap(({ settings }) =>
  Object.values(settings).filter(({ secret }) => secret),
).map(({ name }) => name);

const DATABASE = 'postgres://user:hunter2@host/db';

describe('a secret in a file', () => {
  test.each([
    ['without a newline', DATABASE, DATABASE],
    ['with a newline, which is removed', `${DATABASE}\n`, DATABASE],
    ['with a Windows newline, which is removed', `${DATABASE}\r\n`, DATABASE],
    ['with two newlines, of which one is removed', `p\n\n`, `p\n`],
    ['with spaces, which are kept', ` p `, ` p `],
    ['of several lines', `p\nq\n`, `p\nq`],
  ])('is read %s', (_, content, value) => {
    const { kafka } = readSettings(BRIDGE_ROLE, {
      KAFKA_BROKERS: 'a:1',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'bridge',
      KAFKA_SASL_PASSWORD_FILE: secretFile(content),
    });
    expect(kafka.saslPassword?.current()).toBe(value);
  });

  test('is read for every setting that is secret', () => {
    expect(SECRETS).toEqual([
      ...['KAFKA_SSL_KEY_PASSPHRASE', 'KAFKA_SASL_PASSWORD'],
      ...['KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET', 'KAFKA_SASL_OAUTHBEARER_TOKEN'],
      'BRIDGE_HTTP_TOKEN',
      ...['SCHEMA_REGISTRY_PASSWORD', 'SCHEMA_REGISTRY_TOKEN', 'SCHEMA_REGISTRY_KEY_PASSPHRASE'],
      ...['TEMPORAL_API_KEY', 'TEMPORAL_PAYLOAD_KEYS', 'WORKFLOW_ID_HASH_KEY'],
      ...['TEMPORAL_VISIBILITY_DATABASE_URL', 'DATABASE_URL'],
      ...['CODEC_SERVER_TOKEN', 'WORKER_HTTP_TOKEN'],
    ]);
    expect(databaseUrl({ DATABASE_URL_FILE: secretFile(`${DATABASE}\n`) })).toBe(DATABASE);
  });

  test('reaches the Temporal connection and enables TLS', () => {
    const target = temporalTarget({ TEMPORAL_API_KEY_FILE: secretFile('key-1\n') });
    expect(target.settings).toMatchObject({ apiKey: 'key-1', tls: {} });
    expect(temporalTarget({ TEMPORAL_API_KEY: 'key-2' }).settings.apiKey).toBe('key-2');
    expect(temporalTarget({}).settings.apiKey).toBeUndefined();
  });

  test('applies when the variable itself is empty', () => {
    const file = secretFile(DATABASE);
    expect(databaseUrl({ DATABASE_URL: '', DATABASE_URL_FILE: file })).toBe(DATABASE);
    expect(databaseUrl({ DATABASE_URL: DATABASE, DATABASE_URL_FILE: '' })).toBe(DATABASE);
  });

  test('is not read for settings that are not secret', () => {
    const env = { KAFKA_BROKERS: 'a:1', KAFKA_TOPIC_FILE: secretFile('from-file') };
    expect(readSettings(BRIDGE_ROLE, env).kafka.topics).toEqual(['orders']);
  });
});

describe('a secret', () => {
  test('is read again from its file each time', () => {
    const file = secretFile(DATABASE);
    const { url } = readSettings(WORKER_ROLE, { DATABASE_URL_FILE: file }).database;
    writeFileSync(file, `${DATABASE}-2\n`);
    expect(url.current()).toBe(`${DATABASE}-2`);
  });

  test('is an error while its file is invalid, and usable again afterwards', () => {
    const file = secretFile(DATABASE);
    const { url } = readSettings(WORKER_ROLE, { DATABASE_URL_FILE: file }).database;
    writeFileSync(file, 'mysql://user:hunter2@host/db');
    const error = mistakeOf(() => url.current());
    expect(error.code).toBe('SETTINGS_INVALID');
    expect(error.message).toContain(file);
    expect(error.message).not.toContain('hunter2');
    rmSync(file);
    expect(mistakeOf(() => url.current()).message).toContain('DATABASE_URL_FILE');
    writeFileSync(file, DATABASE);
    expect(url.current()).toBe(DATABASE);
  });

  test('is masked when it is printed', () => {
    const { url } = readSettings(WORKER_ROLE, { DATABASE_URL: DATABASE }).database;

    const printed = [String(url), JSON.stringify({ url }), inspect({ url }, { depth: 5 })];
    for (const text of printed) {
      expect(text).toContain('********');
      expect(text).not.toContain('hunter2');
    }
  });
});

describe('a mistake in a secret file', () => {
  const missing = () => path.join(dir, 'missing');
  const mistakes: [string, () => Environment, RegExp][] = [
    ['a missing file', () => ({ DATABASE_URL_FILE: missing() }), /DATABASE_URL_FILE.*ENOENT/],
    ['a folder', () => ({ DATABASE_URL_FILE: dir }), /DATABASE_URL_FILE.*EISDIR/],
    ['an empty file', () => ({ DATABASE_URL_FILE: secretFile('\n') }), /DATABASE_URL_FILE.*empty/],
    [
      'UTF-16',
      () => ({ DATABASE_URL_FILE: secretFile(Buffer.from(DATABASE, 'utf16le')) }),
      /DATABASE_URL_FILE.*UTF-8/,
    ],
    [
      'an invalid value',
      () => ({ DATABASE_URL_FILE: secretFile('mysql://user:hunter2@host/db') }),
      /DATABASE_URL: expected a URL/,
    ],
  ];

  test.each(mistakes)('is reported with the path, never the content: %s', (_, makeEnv, message) => {
    const env = makeEnv();
    const error = mistakeOf(() => databaseUrl(env));
    expect(error.code).toBe('SETTINGS_INVALID');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(env['DATABASE_URL_FILE']);
    expect(error.message + settingsReport(env)).not.toMatch(/hunter2|h\0u\0n/);
    expect(settingsReport(env)).toMatch(/^DATABASE_URL=.*INVALID/m);
  });

  test.each(SECRETS)('is reported when %s is set as well', (name) => {
    const env = {
      KAFKA_BROKERS: 'a:1',
      DATABASE_URL: DATABASE,
      [name]: name === 'DATABASE_URL' ? DATABASE : 'hunter2',
      [`${name}_FILE`]: secretFile(DATABASE),
    };
    const error = mistakeOf(() => {
      readSettings(BRIDGE_ROLE, env);
      readSettings(WORKER_ROLE, env);
      readSettings(CODEC_SERVER_ROLE, env);
      readSettings(VISIBILITY_ROLE, env);
      temporalTarget(env);
    });
    expect(error.code).toBe('SETTINGS_INVALID');
    expect(error.message).toContain(`${name}: ${name}_FILE is set too`);
    expect(error.message).not.toContain('hunter2');
    expect(settingsReport(env)).toContain(`${name}=  # INVALID: ${name}_FILE is set too`);
  });

  test('is reported together with the mistakes in other settings', () => {
    const env = {
      KAFKA_TOPIC: '?',
      KAFKA_SASL_PASSWORD_FILE: missing(),
      TEMPORAL_API_KEY_FILE: missing(),
    };
    expect(mistakeOf(() => readSettings(BRIDGE_ROLE, env)).message).toContain('4 settings');
  });

  test.each([
    ['DATABASE_URL_FILE', DATABASE],
    ['DATABASE_URL_FILE', `/${DATABASE}`],
    ['KAFKA_SASL_PASSWORD_FILE', 'hunter2'],
    ['TEMPORAL_API_KEY_FILE', `${'hunter2/+'.repeat(500)}==`],
  ])('is reported without the secret if %s holds it instead of a path', (name, secret) => {
    const env = { KAFKA_BROKERS: 'a:1', [name]: secret };
    const role = name.startsWith('DATABASE') ? WORKER_ROLE : BRIDGE_ROLE;
    const error = mistakeOf(() => readSettings(role, env));
    expect(error.code).toBe('SETTINGS_INVALID');
    expect(error.message).toContain(`${name} must be the path of a file`);
    expect(error.message + error.fix + settingsReport(env)).not.toContain('hunter2');
    expect(JSON.stringify(reportSettings(env))).not.toContain('hunter2');
  });
});

describe('the settings report', () => {
  test('names the file of a secret, and masks its value', () => {
    const file = secretFile(DATABASE);
    const env = { DATABASE_URL_FILE: file };
    expect(settingsReport(env)).toContain(`DATABASE_URL=********  # from ${file}\n`);
    const reported = reportSettings(env).flatMap(({ settings }) => settings);
    expect(reported).toContainEqual({
      name: 'DATABASE_URL',
      value: '********',
      from: 'file',
      file,
      problem: undefined,
    });
  });
});
