import { mergedEnvironment, parseEnvFile } from '../../../src/terminal/environment.ts';
import { databaseUrlMistake, parseDatabaseUrl } from '../../../src/config/database-url.ts';
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
    'postgres://user:p,w@a:5432,b:5433/name?application_name=a@b',
    'postgres://a:5432,[::1]:5433,c/name?application_name=a@b',
    'postgres://user:pw@a,b/name?target_session_attrs=read-write',
    'postgres://user@/name?host=a,b&port=5432,5433',
    'postgres://user:pw@host/name?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k&sslpassword=p',
    'postgres://user:pw@host/name?sslrootcert=system',
    'postgres://user:pw@host/name?sslmode=require&sslnegotiation=direct',
    'postgres://user:pw@host/name?ssl=true&sslrootcert=/ca',
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
    ['postgres://user:hunter2@a:5432,b:99999/name', 'with commas between several hosts'],
    ['postgres://user:hunter2@/name?host=a,b&port=1,2,3', '"port"'],
    ['postgres://user:hunter2@a,b/name?target_session_attrs=standby', 'use read-write'],
    ['postgres://user:hunter2@a,b/name?target_session_attrs=master', 'any, read-write, primary'],
    ['postgres://user:hunter2@host/name?sslmode=verify_full', 'one of disable, allow, prefer'],
    ['postgres://user:hunter2@host/name?ssl=yes', 'must be true or false'],
    ['postgres://user:hunter2@host/name?sslmode=verify-ca', 'needs sslrootcert'],
    ['postgres://user:hunter2@host/name?sslrootcert=ca.crt', 'set sslmode=verify-full'],
    ['postgres://user:hunter2@host/name?sslmode=prefer&sslrootcert=ca.crt', 'sslmode=verify-full'],
    ['postgres://user:hunter2@host/name?sslmode=require&sslrootcert=system', 'sslmode=verify-full'],
    ['postgres://user:hunter2@host/name?sslmode=require&sslcert=a.crt', 'set both or neither'],
    ['postgres://user:hunter2@host/name?sslnegotiation=direct', 'needs sslmode=require'],
    ['postgres://user:hunter2@host/name?sslmode=require&sslnegotiation=tls', 'postgres, direct'],
    ['postgres://user:hunter2@host/name?keepAlive=false', '"keepAlive" is not supported'],
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

describe('a database URL is read as libpq reads it', () => {
  const host = (name: string | undefined, port?: number) => ({ host: name, port });

  test.each([
    ['postgres://h', [host('h')]],
    ['postgres:///name', [host(undefined)]],
    ['postgres://u:p@h1:1,h2,[::1]:3/name', [host('h1', 1), host('h2'), host('::1', 3)]],
    ['postgres://u@x:9/name?host=h1,h2&port=5', [host('h1', 5), host('h2', 5)]],
    ['postgres:///name?host=h1,h2&port=5,6', [host('h1', 5), host('h2', 6)]],
    ['postgres://%2Fvar%2Frun/name', [host('/var/run')]],
  ])('%s: its hosts', (url, hosts) => {
    expect(parseDatabaseUrl(url).hosts).toEqual(hosts);
  });

  test('user, password and database are decoded', () => {
    expect(parseDatabaseUrl('postgres://a%40b:p:@%2Fw%3F%25@h/d%2Fe')).toMatchObject({
      user: 'a@b',
      password: 'p:@/w?%',
      database: 'd/e',
    });
    expect(parseDatabaseUrl('postgres://h/d?user=u&password=a%26b')).toMatchObject({
      user: 'u',
      password: 'a&b',
    });
  });

  test.each([
    ['postgres://h/d', undefined],
    ['postgres://h/d?sslmode=require', 'require'],
    ['postgres://h/d?sslmode=disable&ssl=true', 'disable'],
    ['postgres://h/d?sslrootcert=system', 'verify-full'],
    ['postgres://h/d?ssl=true', 'verify-full'],
    ['postgres://h/d?ssl=0', 'disable'],
    ['postgres://h/d?ssl=no-verify', 'no-verify'],
  ])('%s: its sslmode', (url, mode) => {
    expect(parseDatabaseUrl(url).sslMode).toBe(mode);
  });

  test('a plus sign is no space, and the parameter dbname replaces the path', () => {
    expect(parseDatabaseUrl('postgres://h/a?dbname=b&password=c+d==')).toMatchObject({
      database: 'b',
      password: 'c+d==',
    });
  });

  test('a plus sign in the options is a space, as for pg', () => {
    const { session } = parseDatabaseUrl('postgres://h/d?options=-c+search_path%3Dshop');
    expect(session).toEqual({ options: '-c search_path=shop' });
  });

  describe('with PGSSLMODE', () => {
    const mistake = (mode: string, url: string) => {
      process.env['PGSSLMODE'] = mode;
      try {
        return databaseUrlMistake(url);
      } finally {
        delete process.env['PGSSLMODE'];
      }
    };

    test('it applies to a URL without sslmode, with the same rules', () => {
      expect(mistake('verify-ca', 'postgres://h/d')).toMatch(/needs sslrootcert/);
      expect(mistake('verify-full', 'postgres://h/d?sslrootcert=/ca')).toBeUndefined();
      expect(mistake('disable', 'postgres://h/d?sslmode=verify-full')).toBeUndefined();
    });

    test('an unknown mode is a mistake, not less protection', () => {
      expect(mistake('verify_full', 'postgres://h/d')).toMatch(/PGSSLMODE must be one of/);
    });
  });

  test('parameters of the session are passed on, all others are not', () => {
    const url = 'postgres://h/d?options=-ca%3Db&application_name=x&sslmode=require';
    expect(parseDatabaseUrl(url).session).toEqual({ options: '-ca=b', application_name: 'x' });
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
