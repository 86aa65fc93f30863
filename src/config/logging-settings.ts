import { choice, integer, settingGroup } from './setting.ts';

export const loggingSettings = settingGroup({
  level: {
    name: 'LOG_LEVEL',
    schema: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    description:
      "Minimum level of logged events. `info` logs one event per stored order and one per duplicate. `debug` adds several per order, repeated events, and those of the Kafka client and of Temporal's SDK. `replay` checks these settings and logs nothing. See [log-events.md](log-events.md).",
  },
  format: {
    name: 'LOG_FORMAT',
    schema: choice(['auto', 'json', 'pretty']),
    default: 'auto',
    description:
      '`json` logs newline-delimited JSON, `pretty` logs readable lines. `auto` is `pretty` on a terminal and `json` elsewhere.',
  },
  valueBytes: {
    name: 'LOG_VALUE_BYTES',
    schema: integer(0, 10_000),
    default: '100',
    description:
      'How many bytes of an undecodable message are logged, escaped so that they are safe to print. They may contain personal data: 0 logs only the length and the SHA-256 of the message.',
  },
});
