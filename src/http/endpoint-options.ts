import { readFileSync } from 'node:fs';
import type { Secret } from '../config/secret.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { HealthEndpointOptions } from './health-endpoint.ts';

interface HttpSettings {
  readonly httpHost: string;
  readonly httpPort: number;
  readonly httpAllowedHosts?: readonly string[] | undefined;
  readonly httpToken?: Secret | undefined;
  readonly httpTlsCertFile?: string | undefined;
  readonly httpTlsKeyFile?: string | undefined;
  readonly httpTlsClientCaFile?: string | undefined;
}

/** The options of the endpoint that come from the settings of the program. */
export function endpointOptions(
  program: 'BRIDGE' | 'WORKER',
  settings: HttpSettings,
): Pick<HealthEndpointOptions, 'host' | 'port' | 'portSetting' | 'access' | 'certificate'> {
  const { httpHost, httpPort, httpAllowedHosts = [], httpToken } = settings;
  const { httpTlsCertFile, httpTlsKeyFile, httpTlsClientCaFile } = settings;
  const read = (name: string, file: string) => readPemFile(`${program}_HTTP_TLS_${name}`, file);
  return {
    host: httpHost,
    port: httpPort,
    portSetting: `${program}_HTTP_PORT`,
    access: {
      token: httpToken && (() => httpToken.current()),
      asksForCertificates: httpTlsClientCaFile !== undefined,
      hosts: [httpHost, ...httpAllowedHosts],
    },
    ...(httpTlsCertFile !== undefined &&
      httpTlsKeyFile !== undefined && {
        certificate: () => ({
          cert: read('CERT_FILE', httpTlsCertFile),
          key: read('KEY_FILE', httpTlsKeyFile),
          ...(httpTlsClientCaFile !== undefined && {
            ca: read('CLIENT_CA_FILE', httpTlsClientCaFile),
          }),
        }),
      }),
  };
}

function readPemFile(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      `The file of ${setting} cannot be read: ${describeError(error)}`,
      `set ${setting} to a file that this user may read`,
      { cause: error },
    );
  }
}
