import { readPem, type PemKind } from '../config/pem-file.ts';
import type { Secret } from '../config/secret.ts';
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
  const read = (name: string, file: string, kind?: PemKind) =>
    readPem(`${program}_HTTP_TLS_${name}_FILE`, file, kind);
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
          cert: read('CERT', httpTlsCertFile),
          key: read('KEY', httpTlsKeyFile, 'private key'),
          ...(httpTlsClientCaFile !== undefined && {
            ca: read('CLIENT_CA', httpTlsClientCaFile),
          }),
        }),
      }),
  };
}
