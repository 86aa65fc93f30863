import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { orderModule } from '../../src/order/order-module.ts';
import type { Schema } from '../../src/postgres/schema.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/**
 * The schema of a later version: with more migrations, by name, and more columns of `orders`. Its folder exists
 * until the tests of the file have run.
 */
export function laterSchema(
  migrations: Readonly<Record<string, string>>,
  columns: readonly string[] = [],
): Schema {
  const migrationsDir = mkdtempSync(path.join(tmpdir(), 'migrations-'));
  folders.push(migrationsDir);
  for (const file of readdirSync(orderModule.storage.migrationsDir)) {
    copyFileSync(
      path.join(orderModule.storage.migrationsDir, file),
      path.join(migrationsDir, file),
    );
  }
  for (const [name, sql] of Object.entries(migrations)) {
    writeFileSync(path.join(migrationsDir, `${name}.sql`), `-- Up Migration\n${sql}\n`);
  }
  const { tables } = orderModule.storage;
  return {
    ...orderModule.storage,
    migrationsDir,
    tables: { ...tables, orders: [...(tables['orders'] ?? []), ...columns] },
  };
}
