import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { OrderMessage } from '../../src/contract/message.ts';
import { openCodec } from '../../src/temporal/open-codec.ts';

/**
 * `<version>/<outcome>.json`, and `<version>/encrypted/<outcome>.json` with encrypted payloads;
 * `npm run record-histories` writes those of the current version.
 */
export const HISTORIES_DIR = path.join(import.meta.dirname, '../workflow/histories');
export const HISTORY_FILES = readdirSync(HISTORIES_DIR, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .sort();

/** TEMPORAL_PAYLOAD_KEYS of the recorded histories with encrypted payloads. It protects nothing. */
export const HISTORY_KEYS = `histories:${Buffer.alloc(32, 'not a secret').toString('base64')}`;
export const HISTORY_CODEC = openCodec({ TEMPORAL_PAYLOAD_KEYS: HISTORY_KEYS });

export const isEncryptedHistory = (file: string): boolean => file.includes('/encrypted/');

export const historyIn = (file: string): unknown =>
  JSON.parse(readFileSync(path.join(HISTORIES_DIR, file), 'utf8'));

interface Payload {
  readonly data: string;
}

interface Event {
  readonly workflowExecutionStartedEventAttributes?: {
    readonly input: { readonly payloads: readonly [Payload] };
    readonly memo: { readonly fields: Readonly<Record<string, Payload>> };
  };
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityType: { readonly name: string };
    readonly input: { readonly payloads: readonly [Payload] };
  };
}

const eventsIn = (file: string) =>
  (historyIn(file) as { readonly events: readonly Event[] }).events;

const valueOf = ({ data }: Payload): unknown =>
  JSON.parse(Buffer.from(data, 'base64').toString('utf8'));

/** How each recorded workflow with plain payloads was started. */
export const recordedStarts = HISTORY_FILES.filter((file) => !isEncryptedHistory(file)).flatMap(
  (file) =>
    eventsIn(file).flatMap(({ workflowExecutionStartedEventAttributes: started }) => {
      if (!started) return [];
      const memo = Object.fromEntries(
        Object.entries(started.memo.fields).map(([key, payload]) => [key, valueOf(payload)]),
      );
      const { text } = valueOf(started.input.payloads[0]) as OrderMessage;
      return [{ file, text, memo }];
    }),
);

/** What each recorded workflow has passed to this activity. */
export const recordedActivities = (name: string) =>
  recordedStarts.flatMap(({ file, text }) =>
    eventsIn(file).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled?.activityType.name === name
        ? [{ file, text, input: valueOf(scheduled.input.payloads[0]) }]
        : [],
    ),
  );
