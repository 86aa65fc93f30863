import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import { describeError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/**
 * Sends the logs of the Temporal SDK and of its Rust core through our own logger, and has it serve its
 * metrics at this address. Once a process.
 */
export function installTemporalRuntime(logger: Logger, metricsAddress: string): Runtime {
  const log = (level: LogLevel, message: string, meta?: object) => {
    const { error, ...rest }: { error?: unknown } = meta ?? {};
    const described = error === undefined ? {} : { error: describeError(error) };
    logger[LEVELS[level]]({ event: 'temporal_sdk', ...rest, ...described }, message);
  };
  const at = (level: LogLevel) => (message: string, meta?: object) => {
    log(level, message, meta);
  };
  return Runtime.install({
    shutdownSignals: [],
    logger: {
      log,
      trace: at('TRACE'),
      debug: at('DEBUG'),
      info: at('INFO'),
      warn: at('WARN'),
      error: at('ERROR'),
    },
    telemetryOptions: {
      metrics: {
        prometheus: {
          bindAddress: metricsAddress,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
  });
}

/** What the SDK calls info is about itself, not about orders. */
const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const;

/**
 * Where the Temporal SDK's core serves its own metrics: it has an exporter of its own, which wants a
 * port and does not say which it took when it is given 0.
 */
export async function freeLocalAddress(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

const TIMEOUT_MS = 2000;

/** The SDK's metrics as text; empty when it does not answer, since ours are worth having alone. */
export async function readSdkMetrics(address: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`http://${address}/metrics`, { signal });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
