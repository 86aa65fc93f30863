#!/usr/bin/env node
import { CommanderError } from 'commander';
import { endWithReader } from '../program/broken-pipe.ts';
import { keepCompiledCode } from '../program/keep-compiled-code.ts';
import { describeFailure } from './describe-failure.ts';
import { createProgram } from './program.ts';

keepCompiledCode();
endWithReader();

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
