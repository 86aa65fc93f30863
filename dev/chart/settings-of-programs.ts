import { fileVariable } from '../../src/config/given-value.ts';
import { SECTIONS, type Section } from '../../src/config/sections.ts';
import type { Setting } from '../../src/config/setting.ts';

const COMMANDS_OF_TOOLS = ['doctor', 'reconcile', 'setup', 'dead-letters', 'replay'];

/** The programs that the chart runs, with the sections of settings that they read. */
const PROGRAMS: Readonly<Record<string, (section: Section) => boolean>> = {
  bridge: ({ readBy }) => readBy.includes('bridge'),
  worker: ({ readBy }) => readBy.includes('worker'),
  setup: ({ readBy }) => readBy.includes('setup'),
  // `deploy promote`
  promote: ({ title, readBy }) => title.startsWith('Temporal ') && readBy.includes('deploy'),
  tools: ({ readBy }) => readBy.some((command) => COMMANDS_OF_TOOLS.includes(command)),
  codecServer: ({ readBy }) => readBy.includes('codec-server'),
};

/** Settings that a program does not read, although it reads others of their section. */
const NOT_READ: Readonly<Record<string, readonly string[]>> = {
  codecServer: ['WORKFLOW_ID_HASH_KEY', 'WORKFLOW_ID_PREFIX', 'TEMPORAL_TASK_QUEUE'],
};

/** Set by the chart itself, or from values other than `settings`. */
const SET_BY_CHART: readonly string[] = [
  ...['BRIDGE_HTTP_HOST', 'BRIDGE_HTTP_PORT', 'WORKER_HTTP_HOST', 'WORKER_HTTP_PORT'],
  ...['BRIDGE_HTTP_TLS_CERT_FILE', 'BRIDGE_HTTP_TLS_KEY_FILE', 'BRIDGE_HTTP_TLS_CLIENT_CA_FILE'],
  ...['WORKER_HTTP_TLS_CERT_FILE', 'WORKER_HTTP_TLS_KEY_FILE', 'WORKER_HTTP_TLS_CLIENT_CA_FILE'],
  ...['CODEC_SERVER_HOST', 'CODEC_SERVER_PORT'],
  ...['CODEC_SERVER_TLS_CERT_FILE', 'CODEC_SERVER_TLS_KEY_FILE'],
  ...['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_BUILD_ID'],
];

/** Values under `certificates`, and the setting that names the file. */
const CERTIFICATES = [
  { group: 'kafka', value: 'ca', variable: 'KAFKA_SSL_CA_FILE' },
  { group: 'kafka', value: 'cert', variable: 'KAFKA_SSL_CERT_FILE' },
  { group: 'kafka', value: 'key', variable: 'KAFKA_SSL_KEY_FILE' },
  { group: 'temporal', value: 'ca', variable: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH' },
  { group: 'temporal', value: 'cert', variable: 'TEMPORAL_TLS_CLIENT_CERT_PATH' },
  { group: 'temporal', value: 'key', variable: 'TEMPORAL_TLS_CLIENT_KEY_PATH' },
  // DATABASE_URL names them itself, with sslrootcert, sslcert and sslkey.
  { group: 'postgres', value: 'ca', variable: undefined },
  { group: 'postgres', value: 'cert', variable: undefined },
  { group: 'postgres', value: 'key', variable: undefined },
] as const;

const CODEC_SERVER_CERTIFICATES = [
  { value: 'cert', variable: 'CODEC_SERVER_TLS_CERT_FILE' },
  { value: 'key', variable: 'CODEC_SERVER_TLS_KEY_FILE' },
].map((certificate) => ({ group: 'codecServer', ...certificate, programs: ['codecServer'] }));

/** Values under `certificates.http`, for the endpoints of both programs. */
const HTTP_CERTIFICATES = ['bridge', 'worker'].flatMap((program) =>
  [
    { value: 'cert', file: 'CERT_FILE' },
    { value: 'key', file: 'KEY_FILE' },
    { value: 'clientCa', file: 'CLIENT_CA_FILE' },
  ].map(({ value, file }) => ({
    ...{ group: 'http', value, programs: [program] },
    variable: `${program.toUpperCase()}_HTTP_TLS_${file}`,
  })),
);

const settingsOf = ({ settings }: Section): readonly Setting[] => Object.values(settings);

const all = SECTIONS.flatMap(settingsOf);

const programs = Object.entries(PROGRAMS).map(([program, reads]) => ({
  program,
  names: SECTIONS.filter(reads)
    .flatMap(settingsOf)
    .map(({ name }) => name)
    .filter((name) => !SET_BY_CHART.includes(name))
    .filter((name) => !NOT_READ[program]?.includes(name)),
}));

const secretFiles = all.filter((setting) => fileVariable(setting)).map(({ name }) => name);

/** May be in a Secret, although they are shown. */
const IN_SECRETS_TOO = ['KAFKA_SASL_USERNAME', 'SCHEMA_REGISTRY_USERNAME'];

/** What the templates of the chart know about the settings: the chart's `files/settings.json`. */
export const SETTINGS_OF_PROGRAMS = {
  names: all.map(({ name }) => name),
  programs: Object.fromEntries(programs.map(({ program, names }) => [program, names])),
  secrets: [...IN_SECRETS_TOO, ...secretFiles],
  secretFiles,
  certificates: [
    ...CERTIFICATES.map(({ group, value, variable }) => ({
      group,
      value,
      ...(variable === undefined ? {} : { variable }),
      programs: programs
        .filter(({ names }) => names.includes(variable ?? 'DATABASE_URL'))
        .map(({ program }) => program),
    })),
    ...HTTP_CERTIFICATES,
    ...CODEC_SERVER_CERTIFICATES,
  ],
  defaults: Object.fromEntries(
    all.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])),
  ),
};

/** The schema of the chart's `settings`: those that can be set there, with the text of the reference. */
export const settingsSchema = () =>
  Object.fromEntries(
    all
      .filter(({ name, secret }) => !secret && !SET_BY_CHART.includes(name))
      .map(({ name, description }) => [
        name,
        { description, type: ['string', 'number', 'boolean', 'null'] },
      ]),
  );
