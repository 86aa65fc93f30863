#!/usr/bin/env node
import { CommanderError } from 'commander';
import { OperatorError } from '../program/operator-error.ts';
import { silenceWarning } from '../program/silence-warning.ts';
import { createProgram } from './program.ts';

silenceWarning('TimeoutNegativeWarning');

/** Exit codes: 0 done, 1 failed, 2 the command line is wrong. */
try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof OperatorError) {
    process.exitCode = 1;
    console.error(`order-ingest: ${error.message}\n  To mend it: ${error.remedy}.`);
  } else {
    throw error;
  }
}
