import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deletionCpu, summarize, tenthsOf } from '../../../bench/endurance/describe.ts';
import type { EnduranceResult, EnduranceSample } from '../../../bench/endurance/run-for-long.ts';
import { enduranceTable } from '../../../bench/figures/endurance-table.ts';
import { measuredCode, ONE_PROCESS_CODE } from '../../../bench/harness/measured-code.ts';
import { writeResult } from '../../../bench/harness/report.ts';

const sample = (stored: number, perSecond: number, run: number): EnduranceSample => ({
  seconds: stored / 10,
  stored,
  perSecond,
  cpu: { run: 8, temporal: perSecond / 10 },
  mebibytes: { run, temporal: 500 },
  workflows: stored / 2,
  temporalMebibytes: stored / 100,
});

const RESULT: EnduranceResult = {
  orders: 1000,
  retentionMs: 900_000,
  existing: 0,
  inOneProcess: true,
  deadLetters: 0,
  samples: [
    sample(40, 90, 300),
    sample(70, 110, 350),
    sample(100, 100, 320),
    // None is between 100 and 900.
    sample(950, 80, 310),
    sample(1000, 60, 330),
  ],
};

test('a tenth of the orders has its median rate and cost, its highest memory, and what Temporal has at its end', () => {
  const [first, last, ...others] = tenthsOf(RESULT);
  expect(first).toEqual({
    stored: 100,
    perSecond: 100,
    cpu: 18,
    mebibytes: { run: 350, temporal: 500 },
    workflows: 50,
    temporalMebibytes: 1,
  });
  expect(last).toMatchObject({ stored: 1000, mebibytes: { run: 330 }, workflows: 500 });
  expect(others).toEqual([]);
});

test('what orders take more while workflows are deleted is the cost of the deletions', () => {
  const at = (minutes: number, stored: number, workflows: number, temporal: number) => ({
    ...sample(stored, 100, 300),
    ...{ seconds: minutes * 60, workflows, cpu: { temporal } },
  });
  const samples = [
    // Not half of the retention yet: the programs are still compiling.
    at(5, 100, 100, 90),
    at(10, 200, 200, 6),
    at(14, 300, 300, 8),
    // The first workflows of this minute are due, but perhaps not deleted.
    at(16, 400, 390, 50),
    at(17, 500, 440, 8),
    at(18, 600, 500, 9),
  ];
  // 100 × (8 - 7) ms + 100 × (9 - 7) ms for 50 + 40 deleted workflows.
  expect(deletionCpu({ ...RESULT, samples }, 'temporal')).toBeCloseTo(300 / 90);
  expect(deletionCpu({ ...RESULT, samples: samples.slice(0, 4) }, 'temporal')).toBeUndefined();
});

test('the summary gives the time, the rate of all orders, and the range of its tenths', () => {
  expect(summarize(RESULT).split('\n').slice(0, 2)).toEqual([
    '1000 orders in 1.67 min, 10.00/s; every order is one row; every offset is committed; 0 dead letters',
    '  rate in each tenth of the run: 70.00 to 100 orders/s',
  ]);
});

test('the table has a row per tenth, a column per process, and says how long workflows were kept', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'endurance-'));
  try {
    expect(enduranceTable(folder)).toContain('Not measured');
    writeResult(folder, 'endurance', RESULT, 'postgres', {
      code: measuredCode(ONE_PROCESS_CODE, 'postgres'),
      serverVersion: '1.32.1',
    });
    const lines = enduranceTable(folder).split('\n');
    expect(lines[0]).toMatch(
      /^1,000 orders in 2 minutes, 10 per second, by `order-ingest run`\. .* for 15 minutes; .*on \d{4}-\d\d-\d\d\.$/,
    );
    expect(lines[2]).toContain('| run, MiB | temporal, MiB |');
    expect(lines.slice(4)).toEqual([
      expect.stringMatching(/^\| 100 +\| 100 +\| 18\.0 ms +\| 350 +\| 500 +\| 50 +\| 1 +\|$/),
      expect.stringMatching(/^\| 1,000 +\| 70 +\| 15\.0 ms +\| 330 +\| 500 +\| 500 +\| 10 +\|$/),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
