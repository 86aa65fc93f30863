import { bridgeSettings } from './bridge-settings.ts';
import { codecServerSettings } from './codec-server-settings.ts';
import { databaseRoleSettings, databaseSettings, migrationSettings } from './database-settings.ts';
import { kafkaSettings, topicSettings } from './kafka-settings.ts';
import { loggingSettings } from './logging-settings.ts';
import { orderSettings } from './order-settings.ts';
import { payloadSettings } from './payload-settings.ts';
import type { Settings } from './read-settings.ts';
import { required } from './setting.ts';
import {
  temporalConnectionSettings,
  temporalSettings,
  visibilitySettings,
} from './temporal-settings.ts';
import { schemaRegistrySettings, valueSettings } from './value-settings.ts';
import { workerSettings } from './worker-settings.ts';

/** `temporalTarget` reads them; here, mistakes in them are reported together with all others. */
const temporalCredentials = {
  apiKey: temporalConnectionSettings.apiKey,
  tls: temporalConnectionSettings.tls,
  grpcCompression: temporalConnectionSettings.grpcCompression,
} as const;

/** What it takes to read messages as the bridge does. */
export const READER_ROLE = {
  order: orderSettings,
  value: valueSettings,
  schemaRegistry: schemaRegistrySettings,
} as const;

/**
 * The settings that each program reads. The bridge needs no database and the worker no Kafka: they are
 * deployed separately.
 */
export const BRIDGE_ROLE = {
  kafka: kafkaSettings,
  bridge: bridgeSettings,
  ...READER_ROLE,
  temporal: temporalSettings,
  temporalCredentials,
  payload: payloadSettings,
  logging: loggingSettings,
} as const;

export type BridgeSettings = Settings<typeof BRIDGE_ROLE>;

export const WORKER_ROLE = {
  temporal: temporalSettings,
  temporalCredentials,
  payload: payloadSettings,
  database: databaseSettings,
  order: orderSettings,
  worker: workerSettings,
  logging: loggingSettings,
} as const;

/** Bridge and worker in one process. */
export const ALL_IN_ONE_ROLE = { ...BRIDGE_ROLE, ...WORKER_ROLE } as const;

/** The setting that identifies the bridges to which offsets and dead letters belong. */
const groupSettings = { groupId: bridgeSettings.groupId } as const;

export const DEAD_LETTERS_ROLE = {
  kafka: kafkaSettings,
  group: groupSettings,
  topics: topicSettings,
} as const;

export const RECONCILE_ROLE = {
  kafka: kafkaSettings,
  group: { ...groupSettings, maxInputBytes: bridgeSettings.maxInputBytes },
  ...READER_ROLE,
  temporal: temporalSettings,
  temporalCredentials,
  payload: payloadSettings,
  database: databaseSettings,
} as const;

export const LAG_ROLE = { kafka: kafkaSettings, group: groupSettings } as const;

export const ORDERS_ROLE = {
  temporal: temporalSettings,
  temporalCredentials,
  payload: payloadSettings,
} as const;

/** The worker deployment whose versions `deploy` shows and changes. */
export const DEPLOY_ROLE = {
  temporal: temporalSettings,
  temporalCredentials,
  deployment: {
    name: required(workerSettings.deploymentName),
    buildId: workerSettings.buildId,
  },
} as const;

export const CODEC_SERVER_ROLE = {
  codecServer: codecServerSettings,
  payload: payloadSettings,
  temporal: { ui: temporalSettings.ui },
  logging: loggingSettings,
} as const;

export const STORED_ORDERS_ROLE = { database: databaseSettings, order: orderSettings } as const;

export const PRODUCER_ROLE = { kafka: kafkaSettings, ...READER_ROLE } as const;

export const KAFKA_SETUP_ROLE = { kafka: kafkaSettings, topics: topicSettings } as const;

export const DATABASE_SETUP_ROLE = {
  database: databaseSettings,
  migration: migrationSettings,
  databaseRoles: databaseRoleSettings,
  order: orderSettings,
} as const;

export const VISIBILITY_ROLE = { visibility: visibilitySettings } as const;
