import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fromTomlProfile } from '@temporalio/envconfig';
// The profile with the settings as they were given: the package's own entry omits
// disable_host_verification, and which file a certificate is in.
import { tomlLoadClientConfigProfile } from '@temporalio/envconfig/lib/envconfig-toml.js';
import { readPem, type PemKind } from '../config/pem-file.ts';
import { readSettings, type Environment } from '../config/read-settings.ts';
import { temporalConnectionSettings } from '../config/temporal-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** Where and how to reach a Temporal server. */
export interface ConnectionSettings {
  readonly address: string;
  readonly namespace: string;
  /** Headers of every call. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly apiKey: string | undefined;
  /** Undefined without TLS. */
  readonly tls: TlsSettings | undefined;
  /** The codec of requests and answers. */
  readonly grpcCompression: 'none' | 'gzip';
}

export interface TlsSettings {
  /** The name to expect in the certificate of the server, instead of the host of the address. */
  readonly serverName: string | undefined;
  /** The authorities that sign the certificate of the server; undefined for the usual ones. */
  readonly serverCa: Pem | undefined;
  readonly client: { readonly certificate: Pem; readonly key: Pem } | undefined;
}

/** What a PEM file contains. */
export interface Pem {
  readonly text: string;
  /** The setting and its file, for messages. */
  readonly origin: string;
}

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

/** What `@temporalio/envconfig` does not know or does not check. */
const OWN = {
  apiKey: temporalConnectionSettings.apiKey,
  tls: temporalConnectionSettings.tls,
  grpcCompression: temporalConnectionSettings.grpcCompression,
} as const;

type TlsProfile = NonNullable<ReturnType<typeof tomlLoadClientConfigProfile>['tls']>;

/**
 * Reads the `TEMPORAL_*` variables, `temporal.toml` and the files that they name, as Temporal's own tools do.
 * Throws an OperatorError when they are invalid, or contradict each other.
 */
export function readConnectionSettings(env: Environment): ConnectionSettings {
  const { apiKey, grpcCompression } = readSettings({ temporal: OWN }, env).temporal;
  const variables = Object.fromEntries(
    Object.entries({ ...env, TEMPORAL_API_KEY: apiKey?.current() }).flatMap(([name, value]) =>
      value ? [[name, value]] : [],
    ),
  );
  const configFile = variables['TEMPORAL_CONFIG_FILE'];
  // envconfig would use its defaults, and the program would connect to another server.
  if (configFile !== undefined && !existsSync(configFile)) {
    throw invalid(`TEMPORAL_CONFIG_FILE names a file that does not exist: ${configFile}`);
  }
  const profile = loadProfile(variables);
  return {
    address: profile.address ?? DEFAULT_ADDRESS,
    namespace: profile.namespace ?? DEFAULT_NAMESPACE,
    metadata: fromTomlProfile({ grpc_meta: profile.grpc_meta ?? {} }).grpcMeta ?? {},
    apiKey: profile.api_key,
    tls: readTls(profile, variables),
    grpcCompression,
  };
}

function loadProfile(variables: Record<string, string>) {
  try {
    return tomlLoadClientConfigProfile({ overrideEnvVars: variables });
  } catch (error) {
    throw invalid(`they cannot be read: ${describeError(error)}`, error);
  }
}

function readTls(
  { tls: given, api_key }: ReturnType<typeof loadProfile>,
  variables: Record<string, string>,
): TlsSettings | undefined {
  const tls = given ?? {};
  const nameOf = (key: keyof TlsProfile) => {
    const variable = `TEMPORAL_TLS_${key.toUpperCase()}`;
    return variable in variables ? variable : `tls.${key} in temporal.toml`;
  };
  if (tls.disable_host_verification) {
    throw invalid(
      `${nameOf('disable_host_verification')} is not supported: the SDK of a worker always verifies the certificate of the server. Unset it, and set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authorities that sign the certificate, and TEMPORAL_TLS_SERVER_NAME to a name that is in it`,
    );
  }
  if (tls.disabled) {
    const others = TLS_KEYS.filter((key) => tls[key] !== undefined);
    if (others.length === 0) return undefined;
    throw invalid(
      `TLS is disabled (${'TEMPORAL_TLS' in variables ? `TEMPORAL_TLS=${variables['TEMPORAL_TLS']}` : 'tls.disabled in temporal.toml'}), but ${others.map(nameOf).join(', ')} ${others.length === 1 ? 'is' : 'are'} set: remove one or the other`,
    );
  }
  if (given === undefined && api_key === undefined) return undefined;
  const pem = (kind: PemKind, what: PemSetting) => readGiven(tls, { kind, what, nameOf });
  const certificate = pem('certificate', 'client_cert');
  const key = pem('private key', 'client_key');
  if ((certificate === undefined) !== (key === undefined)) {
    const [present, absent] = certificate
      ? [certificate, 'TEMPORAL_TLS_CLIENT_KEY_PATH']
      : [key, 'TEMPORAL_TLS_CLIENT_CERT_PATH'];
    throw invalid(
      `${present?.origin ?? ''} is set, but ${absent} is not: a client certificate consists of both`,
    );
  }
  const client = certificate && key && { certificate, key };
  if (client) checkPair(client);
  const serverCa = pem('certificate', 'server_ca_cert');
  if (serverCa) parseCertificate(serverCa);
  return { serverName: tls.server_name, serverCa, client };
}

const TLS_KEYS = [
  'client_cert_path',
  'client_cert_data',
  'client_key_path',
  'client_key_data',
  'server_ca_cert_path',
  'server_ca_cert_data',
  'server_name',
] as const;

type PemSetting = 'client_cert' | 'client_key' | 'server_ca_cert';

function readGiven(
  tls: TlsProfile,
  {
    kind,
    what,
    nameOf,
  }: { kind: PemKind; what: PemSetting; nameOf: (key: keyof TlsProfile) => string },
): Pem | undefined {
  const file = tls[`${what}_path`];
  const data = tls[`${what}_data`];
  const setting = nameOf(`${what}_path`);
  const dataSetting = nameOf(`${what}_data`);
  if (file !== undefined && data !== undefined) {
    throw invalid(`${setting} and ${dataSetting} are both set: remove one of them`);
  }
  if (data !== undefined) return { text: data, origin: dataSetting };
  const text = readPem(setting, file, kind);
  return text === undefined ? undefined : { text, origin: `${setting} (${file ?? ''})` };
}

/** Throws unless the key is that of the certificate, because the server's error would not say so. */
function checkPair({ certificate, key }: NonNullable<TlsSettings['client']>): void {
  const parsed = parseCertificate(certificate);
  let privateKey;
  try {
    privateKey = createPrivateKey(key.text);
  } catch (error) {
    throw invalid(
      /ENCRYPTED/.test(key.text)
        ? `${key.origin} is encrypted, and there is no setting for its passphrase: decrypt it with \`openssl pkey -in FILE -out DECRYPTED\`, and protect it by the permissions of the file`
        : `${key.origin} has no valid private key: ${describeError(error)}`,
      error,
    );
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    throw invalid(
      `${key.origin} is not the private key of ${certificate.origin}: they must be renewed together`,
    );
  }
}

/** The first certificate in the text. */
export function parseCertificate({ text, origin }: Pem): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw invalid(
      `${origin} has no valid certificate in PEM format: ${describeError(error)}`,
      error,
    );
  }
}

/** When an API key that is a JSON Web Token expires, as those of Temporal Cloud are. */
export function apiKeyExpiry(apiKey: string): Date | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(apiKey.split('.')[1] ?? '', 'base64url').toString(),
    );
    const isExpiring = typeof claims === 'object' && claims !== null && 'exp' in claims;
    return isExpiring && typeof claims.exp === 'number' ? new Date(claims.exp * 1000) : undefined;
  } catch {
    return undefined;
  }
}

const invalid = (mistake: string, cause?: unknown) =>
  new OperatorError(
    'SETTINGS_INVALID',
    `The settings of the Temporal connection are wrong:\n  ${mistake}`,
    'correct the TEMPORAL_* variables or temporal.toml; docs/configuration.md lists them',
    { cause },
  );
