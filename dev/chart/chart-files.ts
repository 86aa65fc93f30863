import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { PROJECT_DIR } from '../stack/places.ts';
import { SETTINGS_OF_PROGRAMS, settingsSchema } from './settings-of-programs.ts';
import { valuesTable } from './values-table.ts';

export const CHART = 'deploy/helm/order-ingest';

const read = (file: string) => readFileSync(path.join(PROJECT_DIR, file), 'utf8');

const asJson = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * The files of the Helm chart that are generated, by path. Helm reads only what is in the folder of the chart,
 * so it has copies of the alert rules and of the dashboard.
 */
export function chartFiles(): Readonly<Record<string, string>> {
  const schema = JSON.parse(read(`${CHART}/values.schema.json`)) as {
    properties: Record<string, { properties?: unknown }>;
  };
  const { settings } = schema.properties;
  if (settings) settings.properties = settingsSchema();
  return {
    [`${CHART}/files/settings.json`]: asJson(SETTINGS_OF_PROGRAMS),
    [`${CHART}/files/alerts.yml`]: read('deploy/prometheus/alerts.yml'),
    [`${CHART}/files/order-ingest.json`]: read('deploy/grafana/order-ingest.json'),
    [`${CHART}/values.schema.json`]: asJson(schema),
    [`${CHART}/README.md`]: withValues(
      read(`${CHART}/README.md`),
      valuesTable(schema, parse(read(`${CHART}/values.yaml`)) as Record<string, unknown>),
    ),
  };
}

/** Replaces what is between the two comments. */
const withValues = (readme: string, table: string) =>
  readme.replace(/(<!-- values: .*-->\n)[^]*(<!-- end of values -->)/, `$1\n${table}\n$2`);
