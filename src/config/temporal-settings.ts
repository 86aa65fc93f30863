import { z } from 'zod';
import { databaseUrlMistake } from './database-url.ts';
import { choice, settingGroup, text, url } from './setting.ts';

/** Temporal settings of order-ingest itself; `@temporalio/envconfig` reads those of the connection. */
export const temporalSettings = settingGroup({
  taskQueue: {
    name: 'TEMPORAL_TASK_QUEUE',
    schema: z.string().min(1).max(200),
    default: 'order-ingest',
    description: 'The task queue of the workflows, which the workers poll.',
  },
  workflowIdPrefix: {
    name: 'WORKFLOW_ID_PREFIX',
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{0,55}$/, { error: 'expected at most 55 printable ASCII characters' }),
    default: 'order:',
    description:
      'Prefix of the workflow IDs; the order ID follows it. Two services that ingest the same orders into one namespace need different prefixes.',
  },
  ui: {
    name: 'TEMPORAL_UI',
    // Links are printed.
    schema: url('http:', 'https:').refine((value) => !/^[^/]*\/\/[^/?#]*@/.test(value), {
      error: 'must not contain a user name or password, because it is part of printed links',
    }),
    optional: true,
    description: 'Base URL of the Temporal Web UI, for links to workflows.',
  },
});

/**
 * For the configuration reference only: `@temporalio/envconfig` reads these, together with the profiles of
 * a `temporal.toml`.
 */
export const temporalConnectionSettings = settingGroup({
  address: {
    name: 'TEMPORAL_ADDRESS',
    schema: text,
    default: 'localhost:7233',
    description: 'Host and port of the frontend of the Temporal server.',
  },
  namespace: {
    name: 'TEMPORAL_NAMESPACE',
    schema: text,
    default: 'default',
    description: 'Namespace of the workflows.',
  },
  apiKey: {
    name: 'TEMPORAL_API_KEY',
    schema: text,
    optional: true,
    secret: true,
    description: 'API key. Setting it enables TLS.',
  },
  tls: {
    name: 'TEMPORAL_TLS',
    // `@temporalio/envconfig` reads anything else as false.
    schema: choice(['true', 'false', '1', '0']),
    optional: true,
    unsetMeans: '`true` with an API key or another TLS setting, else `false`',
    description: 'Whether to use TLS.',
  },
  tlsClientCertPath: {
    name: 'TEMPORAL_TLS_CLIENT_CERT_PATH',
    schema: text,
    optional: true,
    description: 'PEM file of the client certificate, for mutual TLS.',
  },
  tlsClientKeyPath: {
    name: 'TEMPORAL_TLS_CLIENT_KEY_PATH',
    schema: text,
    optional: true,
    description: 'PEM file of the private key of the client certificate.',
  },
  tlsServerCaCertPath: {
    name: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    schema: text,
    optional: true,
    unsetMeans: 'those of the system and of Node.js',
    description:
      'PEM file of the certificate authorities that sign the certificate of the server. By default, a worker trusts those of the system, and every other program those of Node.js.',
  },
  tlsServerName: {
    name: 'TEMPORAL_TLS_SERVER_NAME',
    schema: text,
    optional: true,
    unsetMeans: 'the host of `TEMPORAL_ADDRESS`',
    description: 'Server name to expect in the certificate of the server.',
  },
  grpcCompression: {
    name: 'TEMPORAL_GRPC_COMPRESSION',
    schema: choice(['none', 'gzip']),
    default: 'none',
    description:
      'Whether to compress calls to the server, and to have the server compress its answers. `gzip` saves bandwidth over the Internet, for instance to Temporal Cloud. Within one network it costs more CPU, of the programs and of the server, than the bandwidth is worth.',
  },
  configFile: {
    name: 'TEMPORAL_CONFIG_FILE',
    schema: text,
    optional: true,
    unsetMeans: '`temporalio/temporal.toml` in the configuration folder of the user',
    description:
      'Path of a `temporal.toml` with profiles. The default is that of the `temporal` command: in `~/.config` on Linux.',
  },
  profile: {
    name: 'TEMPORAL_PROFILE',
    schema: text,
    default: 'default',
    description: 'Profile to use from that file.',
  },
});

/** Where Temporal keeps what `list` finds; not a database of order-ingest. */
export const visibilitySettings = settingGroup({
  url: {
    name: 'TEMPORAL_VISIBILITY_DATABASE_URL',
    schema: z.string().superRefine((value, context) => {
      const mistake = visibilityUrlMistake(value);
      if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
    }),
    optional: true,
    secret: true,
    unsetMeans: '`doctor` does not look at that database',
    description:
      "URL of the Postgres database of Temporal's visibility, written as `DATABASE_URL`; usually named `temporal_visibility`. `temporal tune` needs it, and `doctor` uses it if it is set. Both only read: SELECT on `executions_visibility` and `schema_version` is enough. See [temporal-server.md](temporal-server.md).",
  },
});

const visibilityUrlMistake = (value: string): string | undefined =>
  /^(mysql|mariadb|https?|elasticsearch|opensearch|sqlite|cassandra):/i.test(value)
    ? 'applies to visibility in Postgres only; with MySQL, SQLite, Elasticsearch or OpenSearch there is nothing to tune'
    : databaseUrlMistake(value);
