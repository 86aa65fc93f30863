import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import { describeError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** The runtime of the Temporal SDK, and where its core serves its metrics. */
export interface TemporalRuntime {
  readonly runtime: Runtime;
  readonly metricsAddress: string;
}

/** How many addresses are tried. */
const MAX_ADDRESSES = 10;

/**
 * Installs the runtime of the Temporal SDK, once per process and before a worker is created: the SDK and its Rust core
 * log through our logger, and serve their metrics at a free address. Another process may take that before the SDK
 * does: then it gets another one.
 */
export async function installTemporalRuntime(
  logger: Logger,
  findAddress = freeLocalAddress,
): Promise<TemporalRuntime> {
  limitWorkflowStackTraces();
  for (let tried = 1; ; tried += 1) {
    const metricsAddress = await findAddress();
    try {
      return { runtime: install(logger, metricsAddress), metricsAddress };
    } catch (error) {
      if (tried === MAX_ADDRESSES || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

function install(logger: Logger, metricsAddress: string): Runtime {
  const log = (level: LogLevel, message: string, meta?: object) => {
    // The SDK writes several debug lines per order.
    if (!logger.isLevelEnabled(LEVELS[level])) return;
    const { error, ...others }: { error?: unknown } = meta ?? {};
    const rest = Object.fromEntries(
      Object.entries(others).filter(([name]) => !WITH_PAYLOADS.includes(name)),
    );
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

/**
 * The SDK records a stack trace with every promise of a workflow, for the query `__stack_trace`, which took a tenth of
 * the CPU time of `order-ingest run`. Workflow code gets stack traces of one line: the place of an error, but not its callers. V8
 * reads this flag when it creates a context, so the worker's own code keeps its stack traces.
 */
function limitWorkflowStackTraces(): void {
  setFlagsFromString('--stack-trace-limit=1');
}

/** The task of an activity whose arguments cannot be decoded: the SDK would log the order in it. */
const WITH_PAYLOADS = ['task', 'taskEncoded'];

/** The SDK's info lines are about the SDK itself, not about orders. */
const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const;

/**
 * An address for the metrics of the SDK's core. Its exporter needs a port, and with port 0 does not
 * report which one it has opened.
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

const READ_TIMEOUT_MS = 2000;

/** The SDK's metrics as text; empty if it does not answer, so that `/metrics` still serves the others. */
export async function readSdkMetrics(address: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
    const response = await fetch(`http://${address}/metrics`, { signal });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
