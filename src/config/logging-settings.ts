import { choice, settingGroup } from './setting.ts';

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
});
