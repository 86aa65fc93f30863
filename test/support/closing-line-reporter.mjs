import { writeSync } from 'node:fs';

/** Ends the output with `N passed, N failed`. A file that cannot be loaded counts as one failure. */
export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // Jest prints its summary after this event, and this line has to be the last one.
    process.once('exit', () => {
      writeSync(1, `\n${results.numPassedTests} passed, ${failed} failed\n`);
    });
  }
}
