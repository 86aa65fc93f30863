import { writeSync } from 'node:fs';

/** Ends the output with `N passed, N failed`. A file that cannot be loaded counts as a failure. */
export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // Jest's own summary comes after this; the closing line has to be the last of all.
    process.once('exit', () => {
      writeSync(1, `\n${results.numPassedTests} passed, ${failed} failed\n`);
    });
  }
}
