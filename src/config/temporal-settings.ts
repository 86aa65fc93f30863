import { settingGroup, text, url } from './setting.ts';
import { z } from 'zod';

/** What order-ingest itself needs to know; `@temporalio/envconfig` reads the connection's settings. */
export const temporalSettings = settingGroup({
  taskQueue: {
    name: 'TEMPORAL_TASK_QUEUE',
    schema: z.string().min(1).max(200),
    default: 'order-ingest',
    description: 'The queue on which the bridge leaves work for the workers.',
  },
  workflowIdPrefix: {
    name: 'WORKFLOW_ID_PREFIX',
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{0,55}$/, { error: 'expected at most 55 printable ASCII characters' }),
    default: 'order:',
    description:
      "What stands before the order ID in the workflow's ID. Two services that ingest the same orders into one namespace need one each.",
  },
  ui: {
    name: 'TEMPORAL_UI',
    schema: url('http:', 'https:'),
    optional: true,
    description: "Address of Temporal's web UI, for links to it.",
  },
});

/**
 * For the configuration reference only: these are read by `@temporalio/envconfig`, together with
 * the profiles of a `temporal.toml`.
 */
export const temporalConnectionSettings = settingGroup({
  address: {
    name: 'TEMPORAL_ADDRESS',
    schema: text,
    default: 'localhost:7233',
    description: "Host and port of the Temporal server's frontend.",
  },
  namespace: {
    name: 'TEMPORAL_NAMESPACE',
    schema: text,
    default: 'default',
    description: 'The namespace of the workflows.',
  },
  apiKey: {
    name: 'TEMPORAL_API_KEY',
    schema: text,
    optional: true,
    secret: true,
    description: 'API key; switches TLS on.',
  },
  tls: {
    name: 'TEMPORAL_TLS',
    schema: text,
    optional: true,
    description: 'Whether to encrypt the connection.',
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
    description: 'PEM file of its key.',
  },
  tlsServerCaCertPath: {
    name: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    schema: text,
    optional: true,
    description: "PEM file of the authority that signed the server's certificate.",
  },
  tlsServerName: {
    name: 'TEMPORAL_TLS_SERVER_NAME',
    schema: text,
    optional: true,
    description: "The name to expect in the server's certificate.",
  },
  configFile: {
    name: 'TEMPORAL_CONFIG_FILE',
    schema: text,
    optional: true,
    description: "A `temporal.toml` with profiles, if not at Temporal's usual place.",
  },
  profile: {
    name: 'TEMPORAL_PROFILE',
    schema: text,
    default: 'default',
    description: 'Which profile of that file to use.',
  },
});
