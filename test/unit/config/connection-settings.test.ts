import { mergedEnvironment, parseEnvFile } from '../../../src/terminal/environment.ts';
import { databaseUrlMistake } from '../../../src/config/database-url.ts';
import { brokerList } from '../../../src/config/setting.ts';

describe('DATABASE_URL', () => {
  test.each([
    'postgres://user:password@host:5432/name',
    'postgresql://host/name',
    'postgres://host:5432/name?application_name=a@b',
    'postgres://user:p%2Fw%3F%23%40%25@host/name',
    'postgres://user:p@ss@host/name',
    'postgres://user:pw@[::1]:5432/name?sslmode=disable',
    'postgres://user:pw@localhost/name?host=/var/run/postgresql',
    'postgres://user:pw@host/name?options=-csearch_path%3Dshop',
  ])('accepts %s', (url) => {
    expect(databaseUrlMistake(url)).toBeUndefined();
  });

  test.each([
    ['postgres://user:hun#ter2@host/name', 'written as %23'],
    ['postgres://user:hun/ter2@host/name', 'written as %2F'],
    ['postgres://user:hun?ter2@host/name', 'written as %3F'],
    ['postgres://user:h@un/ter2@host/name', 'written as %40'],
    ['postgres://user:hun%ter2@host/name', 'written as %25'],
    ['postgres://user:hunter%ff@host/name', 'written as %25'],
    ['postgres://user:hunter2@a:5432,b:5432/name', 'several hosts'],
    ['postgres://user:hunter2@host/name?schema=shop', '?options=-csearch_path%3Dname'],
    ['postgres://user:hunter2@host/name?currentSchema=shop', '?options=-csearch_path%3Dname'],
    ['postgres://user:hunter2@host/name?search_path=shop', '?options=-csearch_path%3Dname'],
    ['postgres://user:hunter2@host/name?connect_timeout=3', '"connect_timeout" is not supported'],
    ['postgres://user:hunter2@host:99999/name', 'expected postgres://user:password@host:5432/name'],
    ['mysql://user:hunter2@host/name', 'expected a URL that begins with postgres://'],
  ])('rejects %s and reports how to write it, without the password', (url, mistake) => {
    expect(databaseUrlMistake(url)).toContain(mistake);
    expect(databaseUrlMistake(url)).not.toMatch(/hun|ter2/);
  });
});

test.each(['[::1]:9092', '::1:9092', 'PLAINTEXT://a:9092', 'a:9092,[fe80::1]:9092'])(
  'a broker that kafkajs would misread is rejected with the reason: %s',
  (brokers) => {
    const parsed = brokerList.safeParse(brokers);
    expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
      expect.stringContaining('IPv6 address'),
    ]);
  },
);

test.each(['a', 'a:0', 'a:65536', 'a:9092,', 'a b:9092'])(
  'an invalid broker is rejected: %s',
  (brokers) => {
    expect(brokerList.safeParse(brokers).success).toBe(false);
  },
);

describe('the file of --env-file', () => {
  test('sets variables that the environment leaves empty, and no others', () => {
    expect(mergedEnvironment({ A: 'file', B: 'file' }, { A: '', B: 'own', C: '' })).toEqual({
      A: 'file',
      B: 'own',
      C: '',
    });
  });

  test('may start with a byte order mark', () => {
    expect(parseEnvFile(Buffer.from('\uFEFFKAFKA_TOPIC=a\r\nB=c\n'))).toMatchObject({
      KAFKA_TOPIC: 'a',
    });
  });

  test('is rejected in an encoding other than UTF-8', () => {
    expect(() => parseEnvFile(Buffer.from('\uFEFFA=b', 'utf16le'))).toThrow('not UTF-8');
  });
});
