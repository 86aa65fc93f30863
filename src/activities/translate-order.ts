import type { OrderActivities } from '../contract/ingest-order.ts';
import { toPlainOrder } from '../contract/plain-order.ts';
import { translateMessage } from '../contract/translate-message.ts';
import type { ActivityDependencies } from './create-activities.ts';
import { activityLogFields } from './observed.ts';
import { orderInvalid } from './failures.ts';

/** Wire message to domain order. Pure, so that running it again gives the same. */
export const createTranslateOrder =
  ({ logger, onEnding }: ActivityDependencies): OrderActivities['translateOrder'] =>
  ({ text, source, correction }) => {
    const translation = translateMessage(text);
    switch (translation.kind) {
      case 'translated': {
        const { topic, partition, offset } = source;
        return Promise.resolve({
          order: toPlainOrder(translation.order),
          source: { topic, partition, offset },
          fingerprint: translation.fingerprint,
          ...(correction ? { correction } : {}),
        });
      }
      case 'invalid': {
        const failure = orderInvalid(translation.faults);
        onEnding('invalid');
        logger.warn(
          {
            event: 'order_translation_failed',
            ...source,
            ...activityLogFields(),
            error: failure.message,
          },
          'the message is not a valid order',
        );
        return Promise.reject(failure);
      }
      default:
        return translation satisfies never;
    }
  };
