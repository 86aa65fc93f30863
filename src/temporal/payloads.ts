import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type proto from '@temporalio/proto';
import { OperatorError } from '../program/operator-error.ts';

/*
 * Calls of `workflowService` bypass the data converter of the client, so what they carry is encoded and decoded here.
 * Search attributes and headers are never encoded.
 */

/** What has the codecs: every client. */
export type CodecHolder = Pick<Client, 'options'>;

type Request = proto.temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest;
type Fields = Readonly<Record<string, Payload>>;

/** Encodes the input, the memo, the summary and the details of the request. */
export async function encodeStart(
  client: CodecHolder,
  { input, memo, userMetadata, ...request }: Request,
): Promise<Request> {
  const encode = (payloads: readonly Payload[]) => encodePayloads(client, payloads);
  return {
    ...request,
    ...(input ? { input: { payloads: await encode(input.payloads ?? []) } } : {}),
    ...(memo ? { memo: { fields: await mapFields(memo.fields, encode) } } : {}),
    ...(userMetadata ? { userMetadata: await mapMetadata(userMetadata, encode) } : {}),
  };
}

type StartedAttributes = proto.temporal.api.history.v1.IWorkflowExecutionStartedEventAttributes;

/** The reverse of `encodeStart`, for the event that it has led to. */
export async function decodeStarted(
  client: CodecHolder,
  { input, memo, ...attributes }: StartedAttributes,
): Promise<StartedAttributes> {
  const decode = (payloads: readonly Payload[]) => decodePayloads(client, payloads);
  return {
    ...attributes,
    ...(input ? { input: { payloads: await decode(input.payloads ?? []) } } : {}),
    ...(memo ? { memo: { fields: await mapFields(memo.fields, decode) } } : {}),
  };
}

type UserMetadata = proto.temporal.api.sdk.v1.IUserMetadata;

export const decodeMetadata = (
  client: CodecHolder,
  metadata: UserMetadata | null | undefined,
): Promise<UserMetadata> | undefined =>
  metadata ? mapMetadata(metadata, (payloads) => decodePayloads(client, payloads)) : undefined;

/** The value of a payload; undefined when there is no payload. Throws when it cannot be decoded. */
export async function decodedValue(
  client: CodecHolder,
  payload: Payload | null | undefined,
): Promise<unknown> {
  if (!payload) return undefined;
  const [decoded] = await decodePayloads(client, [payload]);
  return readPayload(decoded);
}

/** The text of a payload or, if it cannot be decoded, why: for what is only shown. */
export async function shownText(
  client: CodecHolder,
  payload: Payload | null | undefined,
): Promise<string | undefined> {
  try {
    const value = await decodedValue(client, payload);
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    if (error instanceof OperatorError) return `(${error.message})`;
    throw error;
  }
}

type Failure = proto.temporal.api.failure.v1.IFailure;

/** The message of a failure, which a worker that encrypts puts into a payload. */
export async function failureMessage(
  client: CodecHolder,
  failure: Failure | null | undefined,
): Promise<string | undefined> {
  const encoded = failure?.encodedAttributes;
  if (!encoded) return failure?.message ?? undefined;
  try {
    const attributes = await decodedValue(client, encoded);
    if (typeof attributes === 'object' && attributes !== null && 'message' in attributes) {
      return String(attributes.message);
    }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return `(${error.message})`;
  }
  return failure.message ?? undefined;
}

/** The JSON value of a payload that is not encoded; undefined when there is no payload. */
export const readPayload = (payload: Payload | null | undefined): unknown =>
  payload ? defaultPayloadConverter.fromPayload(payload) : undefined;

async function encodePayloads(
  { options }: CodecHolder,
  payloads: readonly Payload[],
): Promise<Payload[]> {
  let encoded = [...payloads];
  for (const codec of options.loadedDataConverter.payloadCodecs) {
    encoded = await codec.encode(encoded);
  }
  return encoded;
}

async function decodePayloads(
  { options }: CodecHolder,
  payloads: readonly Payload[],
): Promise<Payload[]> {
  let decoded = [...payloads];
  for (const codec of options.loadedDataConverter.payloadCodecs.toReversed()) {
    decoded = await codec.decode(decoded);
  }
  return decoded;
}

type Transform = (payloads: readonly Payload[]) => Promise<Payload[]>;

async function mapFields(
  fields: Fields | null | undefined,
  transform: Transform,
): Promise<Record<string, Payload>> {
  const names = Object.keys(fields ?? {});
  const payloads = await transform(Object.values(fields ?? {}));
  return Object.fromEntries(payloads.map((payload, index) => [names[index] ?? '', payload]));
}

async function mapMetadata(
  { summary, details }: UserMetadata,
  transform: Transform,
): Promise<UserMetadata> {
  const fields = { ...(summary ? { summary } : {}), ...(details ? { details } : {}) };
  return mapFields(fields, transform);
}
