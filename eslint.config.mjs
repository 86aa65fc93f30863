import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Which folder of src/ may import which others. Imports point one way: the programs (`cli`) are at the
 * top, `contract` is at the bottom. A folder without an entry may import everything.
 */
const MAY_IMPORT = {
  contract: [],
  package: ['contract', 'order', 'order-kit'],
  program: [],
  'order-kit': ['contract', 'postgres'],
  order: ['contract', 'order-kit'],
  decode: ['config', 'contract', 'program'],
  'order-module': ['config', 'contract', 'decode', 'order', 'program'],
  workflows: ['contract'],
  activities: ['contract', 'program', 'telemetry'],
  telemetry: ['program'],
  http: ['config', 'program', 'telemetry'],
  config: ['program'],
  terminal: ['config', 'program'],
  postgres: ['config', 'contract', 'program', 'telemetry'],
  kafka: ['config', 'program', 'telemetry'],
  temporal: ['config', 'contract', 'program'],
  bridge: [
    ...['config', 'contract', 'http', 'kafka', 'order-module', 'program', 'telemetry', 'temporal'],
  ],
  worker: [
    ...['activities', 'config', 'contract', 'http', 'order-module', 'postgres', 'program'],
    ...['telemetry', 'temporal'],
  ],
  'all-in-one': [
    ...['bridge', 'config', 'order-module', 'program', 'telemetry', 'temporal', 'worker'],
  ],
  operate: [
    ...['bridge', 'config', 'contract', 'decode', 'http', 'kafka', 'order-module', 'postgres'],
    ...['program', 'telemetry', 'temporal', 'terminal'],
  ],
};

/** The packages that some folders of src/ keep to themselves. */
const OWNED_PACKAGES = {
  'big.js': ['order-kit'],
  'lossless-json': ['contract'],
  kafkajs: ['kafka'],
  pg: ['postgres'],
  'node-pg-migrate': ['postgres'],
  ajv: ['decode'],
  'ajv-formats': ['decode'],
  protobufjs: ['decode'],
  '@temporalio/workflow': ['workflows'],
};

const FOLDERS = Object.keys(MAY_IMPORT);

const zones = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [folder, ...allowed].map((name) => `./${name}`),
  message: `src/${folder} may import only ${[...allowed, 'itself'].join(', ')} (eslint.config.mjs).`,
}));

const ownedPackages = (folder) =>
  Object.entries(OWNED_PACKAGES)
    .filter(([, owners]) => !owners.includes(folder))
    .map(([name, owners]) => ({
      name,
      message: `Only ${owners.map((owner) => `src/${owner}`).join(' and ')} may import ${name} (eslint.config.mjs).`,
      allowTypeImports: name === 'pg',
    }));

/** The rule for one folder as a whole: a later entry for the same rule replaces an earlier one. */
const packagesRule = (folder) => {
  const workflowTypesOnly =
    folder === 'workflows'
      ? [
          {
            regex:
              '^(?!@temporalio/workflow$|\\./|\\.\\./contract/(failure-types|workflow-metadata)\\.ts$)',
            message: 'A workflow imports types only, but for constants of the contract.',
            allowTypeImports: true,
          },
        ]
      : [];
  return ['error', { paths: ownedPackages(folder), patterns: workflowTypesOnly }];
};

export default tseslint.config(
  { ignores: ['dist/', '.stack/', 'coverage/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true } },
    settings: {
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
    },
  },
  ...FOLDERS.map((folder) => ({
    files: [`src/${folder}/**/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': packagesRule(folder) },
  })),
  {
    files: ['src/workflows/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':matches(Program, ExportNamedDeclaration) > VariableDeclaration:matches([kind!="const"], :has(NewExpression), :has(ArrayExpression))',
          message:
            'All workflows of a thread share these modules (dev/workflow-bundle.ts): state belongs in the workflow function.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // An assertion on a matcher of jest's is an assertion, whatever its type.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
