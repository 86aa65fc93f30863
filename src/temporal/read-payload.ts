import { defaultPayloadConverter, type Payload } from '@temporalio/common';

/** What a payload of JSON stands for; undefined where there is none. */
export const readPayload = (payload: Payload | null | undefined): unknown =>
  payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
