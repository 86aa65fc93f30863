import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../program/operator-error.ts';
import type { ConnectionSettings } from './connection-settings.ts';

/**
 * How often files are compared. Not by events of the file system: Kubernetes replaces a mounted secret by
 * changing a link two folders above.
 */
export const RENEWAL_CHECK_MS = 5000;

/** The settings of a connection whose certificates, keys and API key can be renewed while it is used. */
export interface RenewedSettings {
  /** The latest valid ones, at most five seconds old. */
  current(): ConnectionSettings;
  /** Reads them every five seconds, and passes them on when they have changed. Returns a function that ends it. */
  watch(onRenewed: (settings: ConnectionSettings) => void): () => void;
}

/** How a program reports that its credentials were renewed, or cannot be read any more. */
export interface RenewalReport {
  readonly onRenewed?: () => void;
  /** Called once per error. The previous credentials stay in use. */
  readonly onUnreadable?: (error: unknown) => void;
}

/**
 * Settings that are read again as long as they are used. Invalid ones are ignored: files that belong together are
 * not replaced at the same instant.
 */
export function renewSettings(
  initial: ConnectionSettings,
  read: () => ConnectionSettings,
  report: RenewalReport = {},
): RenewedSettings {
  let settings = initial;
  // The first use reads them: a connection may be opened long after the program has read its settings.
  let checkedAt = Number.NEGATIVE_INFINITY;
  let lastError: string | undefined;
  const listeners = new Set<(settings: ConnectionSettings) => void>();
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    checkedAt = performance.now();
    let latest: ConnectionSettings;
    try {
      latest = read();
    } catch (error) {
      if (String(error) !== lastError) report.onUnreadable?.(error);
      lastError = String(error);
      return;
    }
    lastError = undefined;
    if (isDeepStrictEqual(latest, settings)) return;
    settings = latest;
    report.onRenewed?.();
    for (const listener of listeners) listener(settings);
  };
  return {
    current() {
      if (performance.now() - checkedAt >= RENEWAL_CHECK_MS) check();
      return settings;
    },
    watch(onRenewed) {
      listeners.add(onRenewed);
      if (!timer) {
        timer = setInterval(check, RENEWAL_CHECK_MS);
        // The connection keeps the program running, not this.
        timer.unref();
      }
      return () => {
        listeners.delete(onRenewed);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Logs renewals. Neither event names what was renewed: it may be a secret. */
export const reportRenewal = (logger: Log): RenewalReport => ({
  onRenewed() {
    logger.info(
      { event: 'temporal_credentials_renewed' },
      'the certificates or the API key for Temporal have been renewed',
    );
  },
  onUnreadable(error) {
    logger.warn(
      { event: 'temporal_credentials_unreadable', error: describeError(error) },
      'the credentials for Temporal cannot be read again; the previous ones stay in use',
    );
  },
});
