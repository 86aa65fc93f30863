import path from 'node:path';
import { execa } from 'execa';

const CASES: readonly (readonly [file: string, text: string, message: RegExp | undefined])[] = [
  ['src/contract/ids.ts', "import '../order/order.ts';", /src\/contract may import only itself/],
  ['src/order/order.ts', "import '../program/version.ts';", /src\/order may import only contract/],
  [
    'src/order-kit/money.ts',
    "import '../order/order.ts';",
    /src\/order-kit may import only contract/,
  ],
  ['src/package/order.ts', "import '../bridge/pipeline.ts';", /src\/package may import only/],
  [
    'src/activities/failures.ts',
    "import '../order/order.ts';",
    /src\/activities may import only contract/,
  ],
  [
    'src/operate/top/rates.ts',
    "import '../../order/order.ts';",
    /src\/operate may import only bridge/,
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
  ['src/workflows/index.ts', 'export let count = 0;\ncount++;', /share these modules/],
  ['src/workflows/index.ts', 'export const seen = new Map();', /share these modules/],
  ['src/workflows/index.ts', 'export const seen: string[] = [];', /share these modules/],
  [
    'src/activities/failures.ts',
    "import '../postgres/sql-state.ts';",
    /src\/activities may import only/,
  ],
  [
    'src/bridge/start-request.ts',
    "import '../postgres/sql-state.ts';",
    /src\/bridge may import only/,
  ],
  ['src/bridge/start-request.ts', "import '../order/order.ts';", /src\/bridge may import only/],
  ['src/bridge/start-request.ts', "import '../order-module/message-reader.ts';", undefined],
  [
    'src/bridge/start-request.ts',
    "import { Kafka } from 'kafkajs';\nnew Kafka({ brokers: [] });",
    /Only src\/kafka may import kafkajs/,
  ],
  [
    'src/bridge/start-request.ts',
    "import pg from 'pg';\nnew pg.Pool();",
    /Only src\/postgres may import pg/,
  ],
  [
    'src/order-kit/order-tables.ts',
    "import pg from 'pg';\nnew pg.Pool();",
    /Only src\/postgres may import pg/,
  ],
  [
    'src/postgres/sql-state.ts',
    "import { Kafka } from 'kafkajs';\nnew Kafka({ brokers: [] });",
    /Only src\/kafka may import kafkajs/,
  ],
  [
    'src/operate/top/rates.ts',
    "import '../../cli/program.ts';",
    /src\/operate may import only bridge/,
  ],
  [
    'src/bridge/start-request.ts',
    "import '../kafka/producer.ts';\nimport '../contract/ids.ts';",
    undefined,
  ],
];

test('an import across a boundary is a lint error, and an allowed import is not', async () => {
  const { stdout } = await execa(
    process.execPath,
    [path.join(import.meta.dirname, '../../support/lint-texts.mjs')],
    {
      cwd: path.join(import.meta.dirname, '../../..'),
      input: JSON.stringify(CASES.map(([file, text]) => [file, text])),
      env: { NODE_OPTIONS: '' },
    },
  );
  const results = JSON.parse(stdout) as string[][];
  for (const [index, [file, text, message]] of CASES.entries()) {
    const expected = message ? expect.arrayContaining([expect.stringMatching(message)]) : [];
    expect({ file, text, messages: results[index] }).toEqual({ file, text, messages: expected });
  }
});
