import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../../../..');
const SRC = path.join(ROOT, 'src');

test('the patches are those for this version of kafkajs: check each of them before another one', () => {
  const packageJson = path.join(ROOT, 'node_modules/kafkajs/package.json');
  expect(JSON.parse(readFileSync(packageJson, 'utf8'))).toMatchObject({ version: '2.2.4' });
});

test("kafkajs's internals are imported in src/kafka/patches only", () => {
  const importing = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => readFileSync(path.join(SRC, file), 'utf8').includes("'kafkajs/"));
  expect(importing).not.toEqual([]);
  expect(importing.filter((file) => path.dirname(file) !== 'kafka/patches')).toEqual([]);
});
