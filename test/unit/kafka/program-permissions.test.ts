import { readFileSync } from 'node:fs';
import path from 'node:path';
import { permissionText, type KafkaPermission } from '../../../src/kafka/missing-permission.ts';
import {
  KAFKA_PROGRAMS,
  permissionsOf,
  type KafkaProgram,
} from '../../../src/kafka/program-permissions.ts';

const DOCUMENT = path.join(import.meta.dirname, '../../../docs/security.md');

const scope = { topics: ['<topic>'], deadLetterTopic: '<dlt>', groupId: '<group>' };

const KINDS = {
  topic: '',
  group: 'the group ',
  'transactional-id': 'the transactional ID ',
  cluster: 'the cluster ',
} as const;

const nameOf = ({ resource, name, isPrefix }: KafkaPermission): string =>
  `${KINDS[resource]}${isPrefix ? 'prefix ' : ''}\`${name}\``;

/** Such as "READ on `<topic>`, the group `<group>`; WRITE on `<dlt>`". */
function cell(program: KafkaProgram): string {
  const permissions = permissionsOf(program, scope);
  const operations = [...new Set(permissions.map(({ operation }) => operation))];
  return operations
    .map((operation) => {
      const names = permissions.filter((one) => one.operation === operation).map(nameOf);
      return `${operation} on ${names.join(', ')}`;
    })
    .join('; ');
}

test.each(KAFKA_PROGRAMS)('the documentation lists the permissions of %s', (program) => {
  const rows = readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((text) => text.trim()));
  const row = rows.find(([, name]) => name?.replaceAll('`', '') === program);
  expect(row?.[2]).toBe(cell(program));
});

test('each topic and each dead-letter topic is named once', () => {
  const several = { ...scope, topics: ['eu', 'us'], deadLetterTopic: undefined };
  expect(permissionsOf('bridge', several).map(permissionText)).toEqual([
    'READ on topic "eu"',
    'READ on topic "us"',
    'WRITE on topic "eu.dead-letter"',
    'WRITE on topic "us.dead-letter"',
    'READ on consumer group "<group>"',
  ]);
  const shared = { ...several, deadLetterTopic: 'failed' };
  expect(
    permissionsOf('bridge', shared).filter(({ operation }) => operation === 'WRITE'),
  ).toHaveLength(1);
});
