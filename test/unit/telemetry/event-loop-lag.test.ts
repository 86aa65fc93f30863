import perfHooks, { createHistogram } from 'node:perf_hooks';
import { jest } from '@jest/globals';
import type { Registry } from 'prom-client';
import { measureEventLoopLag } from '../../../src/telemetry/event-loop-lag.ts';
import { Conditions } from '../../../src/telemetry/health/health.ts';
import { createProgramRegistry } from '../../../src/telemetry/program-metrics.ts';

/** The metrics of the event loop in seconds, by their short names. */
async function lagOf(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const text = await registry.metrics();
  return Object.fromEntries(
    [...text.matchAll(/^nodejs_eventloop_lag_(\w+)_seconds (.*)$/gm)].map(([, name, value]) => [
      name ?? '',
      Number(value),
    ]),
  );
}

test('measuring the event loop does not wake an idle program a hundred times per second', () => {
  const monitor = jest.spyOn(perfHooks, 'monitorEventLoopDelay');
  createProgramRegistry(new Conditions());
  const perSecond = monitor.mock.calls.map(([options]) => 1000 / (options?.resolution ?? 10));
  monitor.mockRestore();
  expect(perSecond).toHaveLength(2);
  expect(perSecond.reduce((sum, rate) => sum + rate, 0)).toBeLessThan(11);
});

test('the metrics have the delays since the last scrape, and 0 for a free event loop', async () => {
  const samples = createHistogram();
  const registry = createProgramRegistry(new Conditions());
  measureEventLoopLag(registry, samples);
  const free = { min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 };
  expect(await lagOf(registry)).toEqual(free);

  // Nanoseconds since the sample before: once in a while, 100 ms and a delay of 700 ms.
  for (let sample = 0; sample < 49; sample += 1) samples.record(100_000_000);
  samples.record(800_000_000);
  const lag = await lagOf(registry);
  expect(lag['max']).toBeCloseTo(0.7, 2);
  expect(lag['p99']).toBeCloseTo(0.7, 2);
  expect(lag['mean']).toBeCloseTo(0.014, 2);
  expect(lag['stddev']).toBeCloseTo(0.098, 2);
  expect(lag).toMatchObject({ min: 0, p50: expect.closeTo(0, 2), p90: expect.closeTo(0, 2) });

  expect(await lagOf(registry)).toEqual(free);
});
