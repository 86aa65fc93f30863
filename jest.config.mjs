/** Tests are ES modules; Node needs --experimental-vm-modules for that (see `npm test`). */
export default {
  testEnvironment: 'node',
  // src/ is watched too: a change runs the tests again in watch mode.
  roots: ['<rootDir>/test', '<rootDir>/src'],
  testMatch: ['**/*.test.ts'],
  // `npm run test:chart` runs those.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/chart/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  testSequencer: '<rootDir>/test/support/sequencer.mjs',
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.mjs'],
  // Far more than a test takes: on a slow machine, everything takes ten times as long.
  testTimeout: 600_000,
  // Enough to keep two cores busy: most of the time goes into starting programs.
  maxWorkers: 3,
};
