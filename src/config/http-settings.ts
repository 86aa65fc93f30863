import { z } from 'zod';
import { integer, text } from './setting.ts';

const hostList = z
  .string()
  .transform((value) => value.split(',').map((name) => name.trim()))
  .refine((names) => names.every((name) => /^[a-z0-9._-]{1,253}$/i.test(name)), {
    error: 'expected host names without ports, separated by commas',
  });

/** The characters of a bearer token (RFC 6750, section 2.1). A short one could be guessed. */
const token = z.string().regex(/^[A-Za-z0-9._~+/-]{16,}=*$/, {
  error:
    'expected at least 16 of the characters a-z, A-Z, 0-9 and "-._~+/", for instance from `openssl rand -hex 32`',
});

/** The settings of the HTTP endpoint, which each program has under names of its own. */
export const httpSettings = <const Program extends 'BRIDGE' | 'WORKER'>(
  program: Program,
  { port, accepts }: { readonly port: string; readonly accepts: string },
) =>
  ({
    httpHost: {
      name: `${program}_HTTP_HOST`,
      schema: text,
      default: '127.0.0.1',
      description: `Address on which the ${program.toLowerCase()} serves \`/livez\`, \`/readyz\` and \`/metrics\`${accepts}. \`0.0.0.0\` makes them reachable from other hosts.`,
    },
    httpPort: {
      name: `${program}_HTTP_PORT`,
      schema: integer(0, 65_535),
      default: port,
      description: 'Port of these endpoints. 0 opens any free port, which the log names.',
    },
    httpAllowedHosts: {
      name: `${program}_HTTP_ALLOWED_HOSTS`,
      schema: hostList,
      optional: true,
      unsetMeans: 'none',
      description: `Names by which clients may address these endpoints, separated by commas, for instance that of a Service. IP addresses, \`localhost\`, the name of the host and \`${program}_HTTP_HOST\` are always accepted.`,
    },
    httpToken: {
      name: `${program}_HTTP_TOKEN`,
      schema: token,
      optional: true,
      secret: true,
      description:
        'Token that clients send as `authorization: Bearer TOKEN`. With it, only the status of `/livez` and `/readyz` is served to everyone, for probes. Without it, everyone who reaches the port may read `/metrics`; everything else is for clients on the same host.',
    },
    httpTlsCertFile: {
      name: `${program}_HTTP_TLS_CERT_FILE`,
      schema: text,
      optional: true,
      unsetMeans: 'no TLS',
      description:
        'PEM file of the certificate for these endpoints, followed by those of intermediate authorities. It enables TLS. A renewed file is used within 10 s.',
    },
    httpTlsKeyFile: {
      name: `${program}_HTTP_TLS_KEY_FILE`,
      schema: text,
      optional: true,
      description: 'PEM file of the private key of this certificate, without a passphrase.',
    },
    httpTlsClientCaFile: {
      name: `${program}_HTTP_TLS_CLIENT_CA_FILE`,
      schema: text,
      optional: true,
      unsetMeans: 'no client certificates',
      description:
        'PEM file of the certificate authorities of clients. A client with such a certificate counts like one with the token.',
    },
  }) as const;

interface TlsFiles {
  readonly httpTlsCertFile?: string | undefined;
  readonly httpTlsKeyFile?: string | undefined;
  readonly httpTlsClientCaFile?: string | undefined;
}

/** Contradictions between the files, one sentence each. */
export function httpMistakes(
  program: 'BRIDGE' | 'WORKER',
  { httpTlsCertFile, httpTlsKeyFile, httpTlsClientCaFile }: TlsFiles = {},
): readonly string[] {
  const name = (file: string) => `${program}_HTTP_TLS_${file}_FILE`;
  if ((httpTlsCertFile === undefined) !== (httpTlsKeyFile === undefined)) {
    return [`${name('CERT')} and ${name('KEY')} must be set together`];
  }
  return httpTlsClientCaFile !== undefined && httpTlsCertFile === undefined
    ? [`${name('CLIENT_CA')} needs ${name('CERT')} and ${name('KEY')}`]
    : [];
}
