import perfHooks, { type Histogram } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/**
 * How often the delay is sampled. Each sample wakes the process: every 10 ms, as prom-client does it, costs
 * more CPU time than everything else that an idle program does.
 */
const INTERVAL_MS = 100;

/** Options for `collectDefaultMetrics` with which its own measurement wakes the process once an hour. */
export const WITHOUT_EVENT_LOOP_LAG = { eventLoopMonitoringPrecision: 3_600_000 };

const MEASURES: Readonly<Record<string, (samples: Histogram) => number>> = {
  min: ({ count, min }) => (count > 0 ? withoutInterval(min) : 0),
  max: ({ max }) => withoutInterval(max),
  mean: ({ mean }) => withoutInterval(mean),
  stddev: ({ stddev }) => stddev / 1e9 || 0,
  p50: (samples) => withoutInterval(samples.percentile(50)),
  p90: (samples) => withoutInterval(samples.percentile(90)),
  p99: (samples) => withoutInterval(samples.percentile(99)),
};

/** A sample is the time since the one before it, in nanoseconds; NaN without any. */
const withoutInterval = (sample: number) => Math.max(0, sample / 1e9 - INTERVAL_MS / 1000) || 0;

/**
 * Replaces prom-client's metrics for the delay of the event loop, under the same names: the delays since the
 * last scrape. They do not include the interval between two samples, as those of prom-client do.
 */
export function measureEventLoopLag(registry: Registry, samples = sampleEventLoop()): void {
  const names = Object.keys(MEASURES);
  names.forEach((measure, index) => {
    const name = `nodejs_eventloop_lag_${measure}_seconds`;
    registry.removeSingleMetric(name);
    new Gauge({
      name,
      help: `Delay of the event loop since the last scrape: ${measure}.`,
      registers: [registry],
      collect() {
        this.set(MEASURES[measure]?.(samples) ?? 0);
        if (index === names.length - 1) samples.reset();
      },
    });
  });
}

function sampleEventLoop(): Histogram {
  const samples = perfHooks.monitorEventLoopDelay({ resolution: INTERVAL_MS });
  samples.enable();
  return samples;
}
