import http from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { readPem } from '../../config/pem-file.ts';
import type { SchemaRegistrySettings } from '../../config/value-settings.ts';
import type { ErrorCode } from '../../program/error-codes.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import {
  describeCertificateError,
  describeTlsError,
  namesInCertificate,
  tlsProblemOf,
  type ClientCertificate,
  type TlsProblem,
} from '../../program/tls-problem.ts';
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
  readonly #settings: SchemaRegistrySettings;
  /** Whether the URL is known to be that of a registry. */
  #isRegistry = false;

  /** Throws an OperatorError for a certificate or key file that cannot be read, and without a URL. */
  constructor(settings: SchemaRegistrySettings) {
    this.#base = urlOf(settings);
    this.#settings = settings;
    requestOptions(settings);
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
    const { timeoutMs } = this.#settings;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await request(url, { ...requestOptions(this.#settings), signal });
    } catch (error) {
      // About a file of a setting.
      if (error instanceof OperatorError) throw error;
      const problem = tlsProblemOf(error);
      if (problem !== undefined && !signal.aborted) {
        const { reason, fix } = TLS_PROBLEMS[problem](error);
        throw this.#failed('SCHEMA_REGISTRY_UNREACHABLE', path, reason, error, fix);
      }
      const reason = signal.aborted ? `no answer within ${timeoutMs} ms` : describeError(error);
      const code = 'SCHEMA_REGISTRY_UNREACHABLE';
      // A server may close the connection without a word.
      const fix =
        this.#settings.certFile === undefined
          ? FIXES[code]
          : `${FIXES[code]}; its log has the reason if it rejects the certificate of SCHEMA_REGISTRY_CERT_FILE`;
      throw this.#failed(code, path, reason, error, fix);
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

  #failed(
    code: RegistryErrorCode,
    path: string,
    reason: string,
    cause?: unknown,
    fix = FIXES[code],
  ): OperatorError {
    return new OperatorError(
      code,
      `The schema registry at ${this.#base.href} cannot be used: ${reason} (GET ${path})`,
      fix,
      { cause },
    );
  }
}

/**
 * With the credentials and certificates of this moment, so that rotated ones are used without a restart. Throws
 * an OperatorError that names the setting of a file that cannot be used.
 */
function requestOptions(settings: SchemaRegistrySettings): https.RequestOptions {
  const ca = readPem('SCHEMA_REGISTRY_CA_FILE', settings.caFile);
  const cert = readPem('SCHEMA_REGISTRY_CERT_FILE', settings.certFile);
  const key = readPem('SCHEMA_REGISTRY_KEY_FILE', settings.keyFile, 'private key');
  const passphrase = settings.keyPassphrase?.current();
  return {
    // A schema is read once, so connections need not be kept.
    agent: false,
    ...(settings.url?.protocol === 'https:'
      ? {
          secureContext: secureContextOf({ ca, cert, key, passphrase }),
        }
      : {}),
    headers: {
      accept: 'application/vnd.schemaregistry.v1+json, application/json',
      ...authorization(settings),
    },
  };
}

function secureContextOf(certificate: ClientCertificate) {
  try {
    return createSecureContext(certificate);
  } catch (error) {
    throw new OperatorError(
      'SCHEMA_REGISTRY_UNREACHABLE',
      `The files that SCHEMA_REGISTRY_CA_FILE, SCHEMA_REGISTRY_CERT_FILE and SCHEMA_REGISTRY_KEY_FILE name cannot be used: ${describeCertificateError(error, certificate)}`,
      'check that they are valid PEM, that the key is that of the certificate, and that SCHEMA_REGISTRY_KEY_PASSPHRASE is the passphrase of the key if it has one',
      { cause: error },
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

const TLS_PROBLEMS: Readonly<
  Record<TlsProblem, (error: unknown) => { readonly reason: string; readonly fix: string }>
> = {
  'authority-unknown': (error) => ({
    reason: `no trusted authority has signed its certificate (${describeTlsError(error)})`,
    fix: 'set SCHEMA_REGISTRY_CA_FILE to the PEM file of the authority that signs the certificate of the registry',
  }),
  'host-name-differs': (error) => ({
    reason: `its certificate is valid for ${namesInCertificate(error)}, and not for the host in SCHEMA_REGISTRY_URL`,
    fix: 'use a host name of the certificate in SCHEMA_REGISTRY_URL, or have the certificate issued for this one',
  }),
  'server-certificate-expired': () => ({
    reason: 'its certificate has expired',
    fix: 'renew the certificate of the registry',
  }),
  'server-certificate-not-yet-valid': () => ({
    reason: 'its certificate is not valid yet',
    fix: 'compare the clock of this machine with the certificate of the registry',
  }),
  'client-certificate-missing': () => ({
    reason: 'it accepts clients with a certificate only',
    fix: 'set SCHEMA_REGISTRY_CERT_FILE and SCHEMA_REGISTRY_KEY_FILE',
  }),
  'client-certificate-rejected': (error) => ({
    reason: `it rejects the client certificate (${describeTlsError(error)})`,
    fix: 'set SCHEMA_REGISTRY_CERT_FILE and SCHEMA_REGISTRY_KEY_FILE to a certificate that has not expired and is signed by an authority that the registry trusts',
  }),
  'not-tls': () => ({
    reason: 'it does not offer TLS on this port',
    fix: 'write http:// instead of https:// in SCHEMA_REGISTRY_URL, or use its port for TLS',
  }),
  'tls-versions-differ': (error) => ({
    reason: `it supports no version of TLS that this program does (${describeTlsError(error)})`,
    fix: 'configure TLS 1.2 or 1.3 in the registry',
  }),
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
