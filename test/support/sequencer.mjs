import path from 'node:path';
import Sequencer from '@jest/test-sequencer';

const FOLDERS = ['fault', 'upgrade', 'e2e', 'one-process', 'integration', 'workflow', 'unit'];

const rankOf = (test) =>
  FOLDERS.findIndex((folder) => test.path.includes(`${path.sep}${folder}${path.sep}`));

/**
 * The files that take long first, so that all of jest's workers end together. Without durations of an earlier run,
 * jest starts with the largest file.
 */
export default class SlowestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const hasDurations = tests.some((test) => test.duration !== undefined);
    return hasDurations ? sorted : sorted.sort((a, b) => rankOf(a) - rankOf(b));
  }
}
