import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from './stack-error.ts';
import { identify, isAlive, stopProcess, type ProcessIdentity } from './process-identity.ts';

/** A program that keeps running after the command that started it has exited. */
export interface DaemonSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another user to run as, for a program that refuses to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly cwd: string;
}

const PROBE_INTERVAL_MS = 100;
/** Most servers start within seconds; a schema registry loads 350 jars, and a busy machine takes much longer. */
const START_TIMEOUT_MS = 180_000;

/**
 * Starts the program, appends its output to `logFile`, and waits until `probe` no longer throws. `onStarted`
 * is called at once, so that the process can be recorded even if this command is killed.
 */
export async function startDaemon(
  title: string,
  spec: DaemonSpec,
  logFile: string,
  probe: () => Promise<void>,
  onStarted: (identity: ProcessIdentity) => void,
): Promise<ProcessIdentity> {
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    detached: true,
    stdio: ['ignore', log, log],
    ...spec.user,
  });
  closeSync(log);
  const failure = once(child, 'error');
  child.unref();
  const identity = child.pid === undefined ? undefined : await identify(child.pid);
  if (!identity) {
    const [error] = (await failure) as [unknown];
    throw new StackError(`${title} could not be started: ${String(error)}`, { cause: error });
  }
  onStarted(identity);
  await waitUntilReady(title, identity, logFile, probe);
  return identity;
}

async function waitUntilReady(
  title: string,
  identity: ProcessIdentity,
  logFile: string,
  probe: () => Promise<void>,
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (!(await isAlive(identity))) {
        throw new StackError(
          `${title} exited during startup. Its log ${logFile} ends with:\n${tail(logFile)}`,
          { cause: error },
        );
      }
      if (Date.now() > deadline) {
        await stopProcess(identity, 'SIGKILL', 0);
        throw new StackError(
          `${title} was not ready after ${START_TIMEOUT_MS / 1000} s (${String(error)}). Its log ${logFile} ends with:\n${tail(logFile)}`,
          { cause: error },
        );
      }
      await delay(PROBE_INTERVAL_MS);
    }
  }
}

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}
