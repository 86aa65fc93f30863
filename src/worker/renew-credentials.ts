import { explainFailure } from '../temporal/connection-failure.ts';
import type { TemporalTarget } from '../temporal/connect.ts';
import { RENEWAL_CHECK_MS, renewSettings, reportRenewal } from '../temporal/renewed-settings.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { TemporalWorker } from './temporal-worker.ts';

/**
 * Has the running worker use renewed certificates and API keys within five seconds. The SDK's own connection would
 * use those of the start for as long as the process runs. Returns a function that ends it.
 */
export function renewCredentials(
  current: () => Pick<TemporalWorker, 'renew'> | undefined,
  target: TemporalTarget,
  logger: Logger,
): () => void {
  const settings = renewSettings(target.settings, target.read, reportRenewal(logger));
  let lastRejection: string | undefined;
  let isRenewing = false;
  const renew = async () => {
    isRenewing = true;
    try {
      await current()?.renew(settings.current());
      lastRejection = undefined;
    } catch (error) {
      const { code, message, fix } = await explainFailure(target, error);
      if (message !== lastRejection) {
        logger.warn(
          { event: 'temporal_credentials_rejected', error: message, code, remedy: fix },
          'the renewed credentials cannot be used; the worker keeps the previous ones and tries again',
        );
      }
      lastRejection = message;
    } finally {
      isRenewing = false;
    }
  };
  const timer = setInterval(() => {
    if (!isRenewing) void renew();
  }, RENEWAL_CHECK_MS);
  return () => {
    clearInterval(timer);
  };
}
