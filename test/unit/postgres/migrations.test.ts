import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { orderModule } from '../../../src/order/order-module.ts';
import { isOlderVersion, readMigrations } from '../../../src/postgres/migrations.ts';

function read(sql: string) {
  const dir = mkdtempSync(path.join(tmpdir(), 'migrations-'));
  try {
    writeFileSync(path.join(dir, '0001_test.sql'), sql);
    return readMigrations(dir)[0];
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('a migration runs in a transaction and keeps older versions working, unless it says otherwise', () => {
  const migration = read('-- Up Migration\nSELECT 1;\n\n-- Down Migration\nSELECT 2;\n');
  expect(migration).toMatchObject({ name: '0001_test' });
  expect(migration?.sql).not.toContain('SELECT 2');
  expect(migration).not.toHaveProperty('oldestVersion');
  expect(migration).not.toHaveProperty('concurrentIndex');
});

test('a migration names the oldest version that works with it', () => {
  expect(read('-- Up Migration\n-- Oldest version: 0.4.0\nSELECT 1;')).toMatchObject({
    oldestVersion: '0.4.0',
  });
});

test.each([
  'CREATE INDEX CONCURRENTLY IF NOT EXISTS by_time ON orders (created_at);',
  'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS by_time ON orders (created_at)',
  'DROP INDEX CONCURRENTLY IF EXISTS by_time;',
])('outside a transaction: %s', (statement) => {
  const sql = `-- Up Migration\n-- Transaction: none\n-- A comment; with a semicolon.\n${statement}\n`;
  expect(read(sql)).toMatchObject({ concurrentIndex: 'by_time' });
});

test.each([
  'CREATE INDEX CONCURRENTLY by_time ON orders (created_at);',
  'CREATE INDEX CONCURRENTLY IF NOT EXISTS by_time ON orders (created_at); SELECT 1;',
  'UPDATE orders SET fingerprint = fingerprint;',
])('refused outside a transaction, because it could not be repeated: %s', (statement) => {
  expect(() => read(`-- Up Migration\n-- Transaction: none\n${statement}\n`)).toThrow('0001_test');
});

test.each([
  ['0.9.0', '0.10.0', true],
  ['0.10.0', '0.9.0', false],
  ['1.0.0', '1.0.0', false],
  ['1.0.0-rc.1', '1.0.0', false],
  ['0.99.99', '1.0.0', true],
])('version %s is older than %s: %s', (a, b, expected) => {
  expect(isOlderVersion(a, b)).toBe(expected);
});

test('the migrations of this build are readable', () => {
  expect(readMigrations(orderModule.storage.migrationsDir).length).toBeGreaterThan(1);
});
