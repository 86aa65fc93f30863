import base from './jest.config.mjs';

/** Tests of the Helm chart: they need Helm and its like (see dev/test-chart.ts), but no servers. */
export default {
  ...base,
  roots: ['<rootDir>/test/chart'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: undefined,
  globalTeardown: undefined,
};
