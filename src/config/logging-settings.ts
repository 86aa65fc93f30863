import { choice, integer, settingGroup } from './setting.ts';

export const loggingSettings = settingGroup({
  level: {
    name: 'LOG_LEVEL',
    schema: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    description: '`debug` adds an event for each message and each commit.',
  },
  format: {
    name: 'LOG_FORMAT',
    schema: choice(['auto', 'json', 'pretty']),
    default: 'auto',
    description:
      'One JSON object a line, or lines for people; `auto` is pretty on a terminal and JSON elsewhere.',
  },
  valueBytes: {
    name: 'LOG_VALUE_BYTES',
    schema: integer(0, 10_000),
    default: '100',
    description:
      'How many bytes of a message that cannot be read stand in the log, made safe to print. They may hold personal data: 0 logs its length and its SHA-256 alone.',
  },
});
