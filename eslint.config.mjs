import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Which folder of src/ may import which others. Imports point one way: towards the domain. What is
 * not named here may import everything: the entry points that wire the rest together.
 */
const MAY_IMPORT = {
  domain: [],
  program: [],
  contract: ['domain'],
  workflows: ['contract'],
  activities: ['contract', 'domain', 'program', 'telemetry'],
  storage: ['domain', 'program', 'telemetry'],
  telemetry: ['program'],
  config: ['program'],
  kafka: ['config', 'program', 'telemetry'],
  temporal: ['config', 'contract', 'program'],
  capacity: [],
  bridge: ['config', 'contract', 'domain', 'kafka', 'program', 'telemetry', 'temporal'],
  'dead-letters': ['config', 'contract', 'kafka', 'program', 'telemetry'],
  reconcile: [
    ...['config', 'contract', 'dead-letters', 'domain', 'kafka', 'program', 'storage'],
    ...['telemetry', 'temporal'],
  ],
  replay: [
    ...['bridge', 'config', 'contract', 'dead-letters', 'kafka', 'program', 'telemetry'],
    ...['temporal'],
  ],
  orders: ['config', 'contract', 'dead-letters', 'domain', 'program', 'storage', 'temporal'],
  doctor: ['config', 'kafka', 'program', 'storage', 'temporal'],
  top: ['config', 'kafka', 'orders', 'program', 'storage'],
  produce: ['config', 'contract', 'kafka', 'program', 'telemetry'],
};

/** The packages that one folder of src/ keeps to itself. */
const OWNED_PACKAGES = {
  'big.js': 'domain',
  'lossless-json': 'contract',
  kafkajs: 'kafka',
  pg: 'storage',
  'node-pg-migrate': 'storage',
  '@temporalio/workflow': 'workflows',
};

const FOLDERS = Object.keys(MAY_IMPORT);

const zones = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  target: `./src/${folder}`,
  from: './src',
  // Files directly in src/, such as operator-error.ts, are everybody's but the domain's.
  except: [folder, ...allowed]
    .map((name) => `./${name}`)
    .concat(folder === 'domain' ? [] : ['./*.ts']),
  message: `src/${folder} may import only ${[...allowed, 'itself'].join(', ')} (eslint.config.mjs).`,
}));

const ownedPackages = (folder) =>
  Object.entries(OWNED_PACKAGES)
    .filter(([, owner]) => owner !== folder)
    .map(([name, owner]) => ({
      name,
      message: `Only src/${owner} imports ${name} (eslint.config.mjs).`,
      allowTypeImports: name === 'pg' && folder !== 'domain',
    }));

/** The rule for one folder as a whole: a later entry for the same rule replaces an earlier one. */
const packagesRule = (folder) => {
  const workflowTypesOnly =
    folder === 'workflows'
      ? [
          {
            regex:
              '^(?!@temporalio/workflow$|\\./|\\.\\./contract/(failure-types|search-attributes)\\.ts$)',
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
