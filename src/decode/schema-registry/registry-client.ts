import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { z } from 'zod';
import type { SchemaRegistrySettings } from '../../config/value-settings.ts';
import type { ErrorCode } from '../../program/error-codes.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import type { RegistryAnswer } from './schema-registry.ts';

/** Registries accept schemas of up to a megabyte or so. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Avro is the type of an answer without one: Confluent's registry leaves it out. */
const registryAnswer = z.object({
  schema: z.string(),
  schemaType: z
    .string()
    .nullish()
    .transform((type) => type ?? 'AVRO'),
  references: z
    .array(z.object({ name: z.string(), subject: z.string(), version: z.number() }))
    .nullish()
    .transform((references) => references ?? []),
});

/** The status 404 alone may come from a proxy, or from a URL that is not that of a registry. */
const notFoundAnswer = z.object({ error_code: z.number().min(40400).max(40499) });

/** Confluent's registry answers so for a path that it does not have, others for a schema. */
const ambiguousNotFoundAnswer = z.object({ error_code: z.literal(404) });

/** Talks to a schema registry by the REST API of Confluent's. Every error is transient until fixed. */
export class RegistryClient {
  readonly #base: URL;
  readonly #options: https.RequestOptions;
  readonly #timeoutMs: number;
  /** Whether the URL is known to be that of a registry. */
  #isRegistry = false;

  /** Throws an OperatorError for a certificate or key file that cannot be read, and without a URL. */
  constructor(settings: SchemaRegistrySettings) {
    this.#base = urlOf(settings);
    this.#timeoutMs = settings.timeoutMs;
    this.#options = {
      // A schema is read once, so connections need not be kept.
      agent: false,
      ca: readPem('SCHEMA_REGISTRY_CA_FILE', settings.caFile),
      cert: readPem('SCHEMA_REGISTRY_CERT_FILE', settings.certFile),
      key: readPem('SCHEMA_REGISTRY_KEY_FILE', settings.keyFile),
      headers: {
        accept: 'application/vnd.schemaregistry.v1+json, application/json',
        ...authorization(settings),
      },
    };
  }

  /**
   * Undefined if the registry says that it has no such thing. Throws an OperatorError for every other answer than
   * a schema, and for none.
   *
   * @param path below the URL of the registry, such as `/schemas/ids/1`
   */
  async get(path: string): Promise<RegistryAnswer | undefined> {
    const { status, body } = await this.#request(path);
    const json = parseJson(body);
    if (status === 404 && notFoundAnswer.safeParse(json).success) return undefined;
    if (status === 404 && ambiguousNotFoundAnswer.safeParse(json).success) {
      await this.#requireRegistry(path);
      return undefined;
    }
    const answer = status === 200 ? registryAnswer.safeParse(json) : undefined;
    if (answer?.success) return answer.data;
    throw this.#unexpected(path, status, json);
  }

  /** The types of schemas that the registry supports. Throws an OperatorError if it cannot be asked. */
  async schemaTypes(): Promise<readonly string[]> {
    const path = '/schemas/types';
    const { status, body } = await this.#request(path);
    const json = parseJson(body);
    const types = status === 200 ? z.array(z.string()).safeParse(json) : undefined;
    if (types?.success) {
      this.#isRegistry = true;
      return types.data;
    }
    throw this.#unexpected(path, status, json);
  }

  /** Throws an OperatorError unless the URL is that of a registry, which an answer of 404 to `path` leaves open. */
  async #requireRegistry(path: string): Promise<void> {
    if (this.#isRegistry) return;
    try {
      await this.schemaTypes();
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code !== 'SCHEMA_REGISTRY_FAILED') throw error;
      const reason =
        'it answered with status 404, and has no /schemas/types either, so SCHEMA_REGISTRY_URL may have the wrong path';
      throw this.#failed('SCHEMA_REGISTRY_FAILED', path, reason, error);
    }
  }

  async #request(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const url = new URL(`${this.#base.href.replace(/\/+$/, '')}${path}`);
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      return await request(url, { ...this.#options, signal });
    } catch (error) {
      const reason = signal.aborted
        ? `no answer within ${this.#timeoutMs} ms`
        : describeError(error);
      throw this.#failed('SCHEMA_REGISTRY_UNREACHABLE', path, reason, error);
    }
  }

  #unexpected(path: string, status: number, json: unknown): OperatorError {
    const code =
      status === 401 || status === 403
        ? 'SCHEMA_REGISTRY_LOGIN_REJECTED'
        : 'SCHEMA_REGISTRY_FAILED';
    const what = json === undefined ? ', which is not the JSON of a schema registry' : '';
    return this.#failed(code, path, `it answered with status ${status}${what}`);
  }

  #failed(code: RegistryErrorCode, path: string, reason: string, cause?: unknown): OperatorError {
    return new OperatorError(
      code,
      `The schema registry at ${this.#base.href} cannot be used: ${reason} (GET ${path})`,
      FIXES[code],
      { cause },
    );
  }
}

function urlOf({ url }: SchemaRegistrySettings): URL {
  if (url) return url;
  throw new OperatorError(
    'SETTINGS_INVALID',
    'SCHEMA_REGISTRY_URL is not set',
    'set it; docs/configuration.md explains every setting',
  );
}

type RegistryErrorCode = Extract<ErrorCode, `SCHEMA_REGISTRY_${string}`>;

const FIXES: Readonly<Record<RegistryErrorCode, string>> = {
  SCHEMA_REGISTRY_UNREACHABLE: 'check SCHEMA_REGISTRY_URL and that the registry is running',
  SCHEMA_REGISTRY_LOGIN_REJECTED:
    'correct SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN; the user must be allowed to read all schemas',
  SCHEMA_REGISTRY_FAILED:
    'check that SCHEMA_REGISTRY_URL is that of the Confluent-compatible API, and the log of the registry',
};

function request(
  url: URL,
  options: https.RequestOptions,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request;
    const outgoing = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) {
          response.destroy(new Error(`it answered with more than ${MAX_ANSWER_BYTES} bytes`));
        }
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function authorization({
  username,
  password,
  token,
}: SchemaRegistrySettings): Readonly<Record<string, string>> {
  if (token !== undefined) return { authorization: `Bearer ${token.current()}` };
  if (username === undefined) return {};
  const credentials = Buffer.from(`${username}:${password?.current() ?? ''}`).toString('base64');
  return { authorization: `Basic ${credentials}` };
}

function readPem(setting: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      `${setting} cannot be read: ${describeError(error)}`,
      'set it to a PEM file that this user can read',
      { cause: error },
    );
  }
}
