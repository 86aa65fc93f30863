import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import type { Environment } from '../config/read-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** The variables of `--env-file`, overridden by those of the process. */
export function environmentOf(command: Command): Environment {
  const { envFile } = command.optsWithGlobals<{ envFile?: string }>();
  return envFile === undefined ? process.env : mergedEnvironment(readEnvFile(envFile), process.env);
}

/** An empty variable counts as unset, so it does not override the file. */
export const mergedEnvironment = (file: Environment, env: Environment): Environment => ({
  ...file,
  ...Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== '' || !(name in file)),
  ),
});

const BYTE_ORDER_MARK = /^\uFEFF/;

/** Throws an OperatorError if the text is not UTF-8: some editors on Windows write UTF-16. */
export function parseEnvFile(bytes: Buffer): Environment {
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      'The file given with --env-file is not UTF-8 text',
      'save it as UTF-8',
    );
  }
  return parseEnv(bytes.toString('utf8').replace(BYTE_ORDER_MARK, ''));
}

function readEnvFile(file: string): Environment {
  try {
    return parseEnvFile(readFileSync(file));
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      'FILE_UNREADABLE',
      `The file given with --env-file cannot be read: ${describeError(error)}`,
      'name a readable file with lines such as KAFKA_BROKERS=localhost:9092',
      { cause: error },
    );
  }
}
