import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../dev/stack/free-port.ts';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { configureBroker, probeBroker } from '../../dev/stack/kafka.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';

export interface BrokerPair {
  readonly brokers: readonly string[];
  remove(): Promise<void>;
}

/** A cluster of two brokers, of which the first is the controller; it keeps nothing. */
export async function startBrokerPair(): Promise<BrokerPair> {
  const dir = mkdtempSync(path.join(tmpdir(), 'broker-pair-'));
  const controllerPort = await freePort();
  const running: ProcessIdentity[] = [];
  const brokers: string[] = [];
  for (const id of [1, 2]) {
    const brokerPort = await freePort();
    const nodeDir = path.join(dir, String(id));
    await startDaemon(
      `broker ${id}`,
      await configureBroker(nodeDir, { id, brokerPort, controllerPort }),
      path.join(nodeDir, 'log'),
      () => probeBroker(brokerPort),
      60_000,
      (identity) => running.push(identity),
    );
    brokers.push(`127.0.0.1:${brokerPort}`);
  }
  return {
    brokers,
    async remove() {
      await Promise.all(running.map((process) => stopProcess(process, 'SIGKILL', 5000)));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
