import { fingerprintOfOrder } from '../order/fingerprint.ts';
import type { OrderMessage } from '../contract/message.ts';
import { translateMessage } from '../order/translate-message.ts';
import type { OrderRecord } from '../order/order-store.ts';
import type { ActivityDependencies } from './create-activities.ts';
import { activityLogFields } from './observed.ts';
import { orderInvalid } from './failures.ts';

/** Wire message to domain order; fails with `OrderInvalid`. Running it again gives the same. */
export const createTranslateOrder =
  ({ logger, onEnding }: ActivityDependencies) =>
  ({ text, source, correction }: OrderMessage): Promise<OrderRecord> => {
    const translation = translateMessage(text);
    switch (translation.kind) {
      case 'translated': {
        const { topic, partition, offset } = source;
        return Promise.resolve({
          order: translation.order,
          source: { topic, partition, offset },
          fingerprint: fingerprintOfOrder(translation.order),
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
