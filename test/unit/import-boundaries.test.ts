import path from 'node:path';
import { execa } from 'execa';

const CASES: readonly (readonly [file: string, text: string, fault: RegExp | undefined])[] = [
  ['src/order/money.ts', "import '../contract/ids.ts';", /src\/domain may import only itself/],
  [
    'src/order/money.ts',
    "import 'zod';\nimport '../program/version.ts';",
    /src\/domain may import only itself/,
  ],
  [
    'src/contract/ids.ts',
    "import '../storage/sql-state.ts';",
    /src\/contract may import only domain/,
  ],
  [
    'src/workflows/index.ts',
    "import '../activities/failures.ts';",
    /src\/workflows may import only contract/,
  ],
  [
    'src/workflows/index.ts',
    "import { parseJson } from '../contract/json.ts';\nparseJson('');",
    /imports types only/,
  ],
  [
    'src/workflows/index.ts',
    "import fs from 'node:fs';\nfs.readFileSync('');",
    /imports types only/,
  ],
  [
    'src/workflows/index.ts',
    "import type { Json } from '../contract/json.ts';\nexport type X = Json;",
    undefined,
  ],
  [
    'src/activities/failures.ts',
    "import '../storage/sql-state.ts';",
    /src\/activities may import only/,
  ],
  ['src/bridge/slots.ts', "import '../storage/sql-state.ts';", /src\/bridge may import only/],
  [
    'src/bridge/slots.ts',
    "import { Kafka } from 'kafkajs';\nnew Kafka({ brokers: [] });",
    /Only src\/kafka imports kafkajs/,
  ],
  ['src/bridge/slots.ts', "import pg from 'pg';\nnew pg.Pool();", /Only src\/storage imports pg/],
  [
    'src/storage/sql-state.ts',
    "import { Kafka } from 'kafkajs';\nnew Kafka({ brokers: [] });",
    /Only src\/kafka imports kafkajs/,
  ],
  [
    'src/storage/insert-order.ts',
    "import '../bridge/slots.ts';",
    /src\/storage may import only domain/,
  ],
  [
    'src/bridge/slots.ts',
    "import '../kafka/order-consumer.ts';\nimport '../contract/ids.ts';",
    undefined,
  ],
];

test('an import over a boundary is a lint error, and one along it is none', async () => {
  const { stdout } = await execa(
    process.execPath,
    [path.join(import.meta.dirname, '../support/lint-texts.mjs')],
    {
      cwd: path.join(import.meta.dirname, '../..'),
      input: JSON.stringify(CASES.map(([file, text]) => [file, text])),
      env: { NODE_OPTIONS: '' },
    },
  );
  const results = JSON.parse(stdout) as string[][];
  for (const [index, [file, text, fault]] of CASES.entries()) {
    const messages = { file, text, messages: results[index] };
    const wanted = fault ? [expect.stringMatching(fault)] : [];
    expect(messages).toEqual({ file, text, messages: fault ? expect.arrayContaining(wanted) : [] });
  }
});
