import { bridgeSettings } from './bridge-settings.ts';
import { codecServerSettings } from './codec-server-settings.ts';
import { databaseRoleSettings, databaseSettings, migrationSettings } from './database-settings.ts';
import { kafkaSettings, topicSettings } from './kafka-settings.ts';
import { loggingSettings } from './logging-settings.ts';
import { orderSettings } from './order-settings.ts';
import { payloadSettings } from './payload-settings.ts';
import type { SettingGroup } from './setting.ts';
import {
  temporalConnectionSettings,
  temporalSettings,
  visibilitySettings,
} from './temporal-settings.ts';
import { schemaRegistrySettings, valueSettings } from './value-settings.ts';
import { workerSettings } from './worker-settings.ts';

export interface Section {
  readonly title: string;
  /** The commands that read it. */
  readonly readBy: readonly string[];
  readonly settings: SettingGroup;
}

/** The commands that read messages of the topic, or write some. */
const VALUE_READERS = [
  ...['bridge', 'run', 'produce', 'orders', 'doctor', 'dead-letters', 'reconcile', 'replay'],
];

/** Every setting, in the order of the configuration reference and of `order-ingest config`. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'Kafka',
    readBy: [
      'bridge',
      'run',
      'produce',
      'setup',
      'orders',
      'lag',
      'top',
      'doctor',
      'dead-letters',
      'reconcile',
      'replay',
    ],
    settings: kafkaSettings,
  },
  {
    title: 'Bridge',
    readBy: [
      ...['bridge', 'run', 'replay'],
      // The consumer group, the limit of a message, and the HTTP endpoint.
      ...['orders', 'lag', 'top', 'doctor', 'dead-letters', 'reconcile', 'resume'],
    ],
    settings: bridgeSettings,
  },
  {
    title: 'Orders',
    readBy: [
      ...[
        'bridge',
        'worker',
        'run',
        'produce',
        'setup',
        'orders',
        'top',
        'doctor',
        'reconcile',
        'replay',
      ],
    ],
    settings: orderSettings,
  },
  { title: 'Values', readBy: VALUE_READERS, settings: valueSettings },
  { title: 'Schema registry', readBy: VALUE_READERS, settings: schemaRegistrySettings },
  { title: 'Topics', readBy: ['setup', 'dead-letters'], settings: topicSettings },
  {
    title: 'Temporal connection',
    readBy: [
      ...[
        'bridge',
        'worker',
        'run',
        'setup',
        'orders',
        'top',
        'doctor',
        'reconcile',
        'replay',
        'deploy',
      ],
    ],
    settings: temporalConnectionSettings,
  },
  {
    title: 'Payload encryption',
    readBy: [
      ...[
        'bridge',
        'worker',
        'run',
        'orders',
        'top',
        'doctor',
        'reconcile',
        'replay',
        'codec-server',
      ],
    ],
    settings: payloadSettings,
  },
  {
    title: 'Temporal workflows',
    readBy: [
      ...['bridge', 'worker', 'run', 'orders', 'top', 'doctor', 'reconcile', 'replay', 'deploy'],
      // TEMPORAL_UI only.
      'codec-server',
    ],
    settings: temporalSettings,
  },
  {
    title: 'Temporal visibility database',
    readBy: ['temporal', 'doctor'],
    settings: visibilitySettings,
  },
  {
    title: 'Database',
    readBy: ['worker', 'run', 'setup', 'orders', 'top', 'doctor', 'reconcile'],
    settings: databaseSettings,
  },
  { title: 'Migrations', readBy: ['setup'], settings: migrationSettings },
  { title: 'Database roles', readBy: ['setup', 'doctor'], settings: databaseRoleSettings },
  { title: 'Codec server', readBy: ['codec-server'], settings: codecServerSettings },
  // `deploy` reads the deployment name and the build ID.
  { title: 'Worker', readBy: ['worker', 'run', 'deploy'], settings: workerSettings },
  {
    title: 'Logging',
    readBy: ['bridge', 'worker', 'run', 'replay', 'codec-server'],
    settings: loggingSettings,
  },
];
