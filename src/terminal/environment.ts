import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import type { Environment } from '../config/read-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** The process's environment over the variables of `--env-file`. */
export function environmentOf(command: Command): Environment {
  const { envFile } = command.optsWithGlobals<{ envFile?: string }>();
  return envFile === undefined ? process.env : mergedEnvironment(readEnvFile(envFile), process.env);
}

/** An empty variable counts as unset, and so does not hide the file's. */
export const mergedEnvironment = (file: Environment, env: Environment): Environment => ({
  ...file,
  ...Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== '' || !(name in file)),
  ),
});

const BYTE_ORDER_MARK = /^\uFEFF/;

/** Throws an OperatorError for a text that is not UTF-8: some editors on Windows write UTF-16. */
export function parseEnvFile(bytes: Buffer): Environment {
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      'The file of --env-file is not UTF-8 text',
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
      `The file of --env-file cannot be read: ${describeError(error)}`,
      'name a file with lines such as KAFKA_BROKERS=localhost:9092',
      { cause: error },
    );
  }
}
