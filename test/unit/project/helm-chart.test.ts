import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { CHART, chartFiles } from '../../../dev/chart/chart-files.ts';
import { VERSION } from '../../../src/program/version.ts';

const read = (file: string) =>
  readFileSync(path.join(import.meta.dirname, '../../..', file), 'utf8');

describe('the Helm chart', () => {
  test.each(Object.keys(chartFiles()))('has a current %s (npm run docs)', (file) => {
    expect(read(file)).toBe(chartFiles()[file]);
  });

  test('has the version of the package', () => {
    const { version, appVersion } = parse(read(`${CHART}/Chart.yaml`)) as Record<string, string>;
    expect({ version, appVersion }).toEqual({ version: VERSION, appVersion: VERSION });
  });

  test('describes every value', () => {
    const rows = read(`${CHART}/README.md`)
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(80);
    expect(rows.filter((row) => / \| +\|$/.test(row))).toEqual([]);
  });
});
