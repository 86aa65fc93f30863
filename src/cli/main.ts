#!/usr/bin/env node
import module from 'node:module';
import { exitOnBrokenPipe } from '../program/exit.ts';
import { handleSignals } from '../program/shutdown-signals.ts';

// Before loading anything that takes time: Linux discards the signals of process 1 while it does not handle
// them. Any other process ends at once by the signal's default action, and not only once a module is loaded.
if (process.pid === 1) handleSignals();
// Has Node reuse compiled code from one start to the next; available from Node 22.1.
(module as { readonly enableCompileCache?: () => unknown }).enableCompileCache?.();
// A diagnostic report of Node contains the environment, and so secrets. Available from Node 22.13.
(process.report as { excludeEnv?: boolean }).excludeEnv = true;
exitOnBrokenPipe();

const { CommanderError } = await import('commander');
const { describeFailure } = await import('./describe-failure.ts');
const { createProgram } = await import('./program.ts');

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.exitCode = 1;
    console.error(describeFailure(error, program.opts<{ verbose?: true }>().verbose ?? false));
  }
}
