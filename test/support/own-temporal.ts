import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { NOT_SHOWN } from '../../dev/stack/show-steps.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';
import { installTemporalCli } from '../../dev/stack/temporal-cli.ts';
import { probeTemporal } from '../../dev/stack/temporal.ts';

export interface OwnTemporal {
  readonly address: string;
  remove(): Promise<void>;
}

/** Starts a Temporal dev server for one test, with additional arguments. */
export async function startOwnTemporal(args: readonly string[]): Promise<OwnTemporal> {
  const dir = mkdtempSync(path.join(tmpdir(), 'temporal-'));
  const port = await freePort();
  let server: ProcessIdentity | undefined;
  const remove = async () => {
    if (server) await stopProcess(server, 'SIGKILL', 5000);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const { folder } = await installTemporalCli(NOT_SHOWN);
    await startDaemon(
      'the Temporal server',
      {
        command: path.join(folder, 'temporal'),
        args: [
          ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port)],
          ...['--log-level', 'error', ...args],
        ],
        cwd: dir,
      },
      path.join(dir, 'log'),
      () => probeTemporal(port),
      (identity) => (server = identity),
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { address: `127.0.0.1:${port}`, remove };
}
