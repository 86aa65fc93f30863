import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import type { Environment } from '../config/read-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** The process's environment over the variables of `--env-file`. */
export function environmentOf(command: Command): Environment {
  const { envFile } = command.optsWithGlobals<{ envFile?: string }>();
  return envFile === undefined ? process.env : { ...readEnvFile(envFile), ...process.env };
}

function readEnvFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new OperatorError(
      `The file of --env-file cannot be read: ${describeError(error)}`,
      'name a file with lines such as KAFKA_BROKERS=localhost:9092',
      { cause: error },
    );
  }
}
