import { tsImport } from 'tsx/esm/api';

/** Builds dist/ and puts the addresses of the servers into the environment. */
export default async function globalSetup({ rootDir, testPathPatterns }) {
  const { setUpRun } = await tsImport('./run-stack.ts', import.meta.url);
  try {
    globalThis.tearDownRun = await setUpRun(rootDir, testPathPatterns.patterns);
  } catch (error) {
    if (error.name !== 'StackError') throw error;
    // The message is for the user. Jest would add a stack trace.
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}
