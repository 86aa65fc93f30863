import { once } from 'node:events';
import { connect as connectTcp, isIPv6, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { usualAuthorities } from './channel-credentials.ts';
import {
  apiKeyExpiry,
  parseCertificate,
  type ConnectionSettings,
  type TlsSettings,
} from './connection-settings.ts';
import { grpcErrorOf, proxyVariable, temporalFailed } from './temporal-error.ts';

const PROBE_TIMEOUT_MS = 5000;

/** What `explainFailure` needs of a TemporalTarget. */
interface Target {
  readonly address: string;
  readonly namespace: string;
  readonly read: () => ConnectionSettings;
}

/**
 * Explains why a call to Temporal failed, and how to fix it. gRPC reports most faults of a connection as a timeout,
 * so if the call did not reach the server, another connection with the same certificates finds the cause.
 */
export async function explainFailure(target: Target, error: unknown): Promise<OperatorError> {
  const failure = temporalFailed(target, error);
  const code = grpcErrorOf(error)?.code;
  const isRejected = code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED;
  const mayNotHaveReached = code === undefined || MAY_NOT_HAVE_REACHED.includes(code);
  if (!isRejected && !mayNotHaveReached) return failure;
  let settings: ConnectionSettings;
  try {
    settings = target.read();
  } catch (cause) {
    return cause instanceof OperatorError ? cause : failure;
  }
  const fault = isRejected
    ? findLoginFault(settings)
    : await findConnectionFault(target.address, settings.tls);
  return fault
    ? new OperatorError(fault.code, `Temporal at ${target.address} ${fault.problem}`, fault.fix, {
        cause: error,
      })
    : failure;
}

/** What is wrong with the API key; undefined if it may be valid. Some servers call it a missing permission. */
function findLoginFault({ apiKey, tls }: ConnectionSettings): Fault | undefined {
  const fault = (problem: string): Fault => ({
    code: 'TEMPORAL_LOGIN_REJECTED',
    problem: `rejected the credentials: ${problem}`,
    fix: 'set TEMPORAL_API_KEY_FILE to a file with a valid API key; a running program reads a new one within 5 s',
  });
  if (apiKey === undefined) {
    return tls?.client ? undefined : fault('no API key and no client certificate is set');
  }
  const expiresAt = apiKeyExpiry(apiKey);
  return expiresAt !== undefined && expiresAt.getTime() < Date.now()
    ? fault(`the API key expired at ${expiresAt.toISOString()}`)
    : undefined;
}

const MAY_NOT_HAVE_REACHED: readonly status[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.UNKNOWN,
  status.INTERNAL,
];

interface Fault {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly fix: string;
}

/** Connects as gRPC would, and returns what is wrong; undefined if the connection can be opened. */
async function findConnectionFault(
  address: string,
  tls: TlsSettings | undefined,
): Promise<Fault | undefined> {
  // grpc-js connects through the proxy, this does not.
  if (proxyVariable(address, process.env) !== undefined) return undefined;
  const { host, port } = hostAndPort(address);
  const socket = connectTcp({ host, port });
  socket.setTimeout(PROBE_TIMEOUT_MS, () => {
    socket.destroy(new Error(`no answer within ${PROBE_TIMEOUT_MS / 1000} s`));
  });
  try {
    try {
      await once(socket, 'connect');
    } catch (error) {
      return unreachable(describeError(error), host);
    }
    return tls ? await findTlsFault(socket, host, tls) : await findPlaintextFault(socket, address);
  } finally {
    socket.destroy();
  }
}

const unreachable = (reason: string, host: string): Fault => ({
  code: 'TEMPORAL_UNREACHABLE',
  problem: `is unreachable: ${reason}`,
  fix: `check TEMPORAL_ADDRESS, that the server is running, and that the network lets this machine connect to ${host}`,
});

/** What a client sends first: the preface of HTTP/2 and an empty SETTINGS frame. */
const HTTP2_PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_FRAME_TYPE = 4;

/** How the server responds to the preface of HTTP/2. */
async function firstAnswer(
  socket: Socket,
): Promise<{ kind: 'http2' } | { kind: 'other' } | { kind: 'closed'; error?: unknown }> {
  socket.write(HTTP2_PREFACE);
  const over = new AbortController();
  const { signal } = over;
  try {
    const bytes = await Promise.race([
      once(socket, 'data', { signal }).then(([data]: Buffer[]) => data),
      once(socket, 'end', { signal }).then(() => undefined),
      once(socket, 'close', { signal }).then(() => undefined),
    ]);
    if (bytes === undefined) return { kind: 'closed' };
    return { kind: bytes[3] === SETTINGS_FRAME_TYPE ? 'http2' : 'other' };
  } catch (error) {
    return { kind: 'closed', error };
  } finally {
    over.abort();
  }
}

async function findPlaintextFault(socket: Socket, address: string): Promise<Fault | undefined> {
  const answer = await firstAnswer(socket);
  if (answer.kind === 'http2') return undefined;
  if (await speaksTls(address)) {
    return {
      code: 'TEMPORAL_TLS_REQUIRED',
      problem: 'expects TLS, but the connection is not encrypted',
      fix: 'set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH if a private authority signs its certificate',
    };
  }
  return {
    code: 'TEMPORAL_UNREACHABLE',
    problem: `does not respond as a Temporal frontend: ${answer.kind === 'closed' ? 'it closes the connection' : 'its answer is not HTTP/2'}`,
    fix: 'check TEMPORAL_ADDRESS: it must be the gRPC port of the frontend, usually 7233',
  };
}

/** Whether the server begins a TLS handshake, even one that it then refuses. */
async function speaksTls(address: string): Promise<boolean> {
  const { host, port } = hostAndPort(address);
  const socket = connectTls({
    host,
    port,
    ALPNProtocols: ['h2'],
    // Nothing is sent, and which certificate it has does not matter.
    rejectUnauthorized: false,
    timeout: PROBE_TIMEOUT_MS,
  });
  socket.on('timeout', () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'secureConnect');
    return true;
  } catch (error) {
    return /ALERT/.test(codeOf(error));
  } finally {
    socket.destroy();
  }
}

async function findTlsFault(
  tcp: Socket,
  host: string,
  settings: TlsSettings,
): Promise<Fault | undefined> {
  const { serverName = host, serverCa, client } = settings;
  const socket = connectTls({
    socket: tcp,
    host: serverName,
    // The name of a server is never an address.
    ...(isAddress(serverName) ? {} : { servername: serverName }),
    ca: serverCa?.text ?? usualAuthorities(),
    ...(client ? { cert: client.certificate.text, key: client.key.text } : {}),
    ALPNProtocols: ['h2'],
    // So that the certificate can be described. Nothing is sent unless it is valid.
    rejectUnauthorized: false,
  });
  try {
    try {
      await once(socket, 'secureConnect');
    } catch (error) {
      return clientFault(error, settings) ?? handshakeFault(error);
    }
    if (!socket.authorized) return serverFault(socket, serverName, settings);
    const answer = await firstAnswer(socket);
    switch (answer.kind) {
      case 'http2':
        return undefined;
      case 'other':
        return {
          code: 'TEMPORAL_UNREACHABLE',
          problem: 'does not respond as a Temporal frontend: its answer is not HTTP/2',
          fix: 'check TEMPORAL_ADDRESS: it must be the gRPC port of the frontend, usually 7233',
        };
      case 'closed':
        // A server that uses TLS 1.3 rejects the client's certificate after the handshake.
        return clientFault(answer.error, settings) ?? handshakeFault(answer.error);
      default:
        return answer satisfies never;
    }
  } finally {
    socket.destroy();
  }
}

/** What is wrong with the certificate of the server. */
function serverFault(socket: TLSSocket, serverName: string, { serverCa }: TlsSettings): Fault {
  const { authorizationError } = socket;
  // Its type is Error, but Node.js sets the code.
  const reason = String(authorizationError);
  const certificate = socket.getPeerCertificate();
  const fault = (problem: string, fix: string): Fault => ({
    code: 'TEMPORAL_SERVER_CERTIFICATE_INVALID',
    problem: `has a certificate that is not valid: ${problem}`,
    fix,
  });
  if (reason === 'CERT_HAS_EXPIRED' || reason === 'CERT_NOT_YET_VALID') {
    return fault(
      `it is valid from ${certificate.valid_from} to ${certificate.valid_to} (${reason})`,
      'renew the certificate of the server, and check the clock of this machine',
    );
  }
  if (reason.includes('ERR_TLS_CERT_ALTNAME_INVALID')) {
    const names = namesOf(certificate);
    return fault(
      `it is for ${names}, not for "${serverName}" (ERR_TLS_CERT_ALTNAME_INVALID)`,
      `connect to a name that is in the certificate, or set TEMPORAL_TLS_SERVER_NAME to one`,
    );
  }
  return fault(
    `it is not signed by ${serverCa ? `an authority of ${serverCa.origin}` : 'an authority that Node.js trusts'} (${reason})`,
    serverCa
      ? 'set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority that signed the certificate of the server, with its intermediate authorities'
      : 'set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the PEM file of the authority that signed it',
  );
}

const namesOf = ({ subjectaltname, subject }: PeerCertificate): string =>
  subjectaltname ?? `CN:${String(subject.CN)}`;

/** What the server's rejection says about the client's certificate; undefined if it does not concern it. */
function clientFault(error: unknown, { client }: TlsSettings): Fault | undefined {
  const code = codeOf(error);
  const alert = /ALERT_(\w+)/.exec(code)?.[1];
  const isClosed = error === undefined || code === 'ECONNRESET' || code === 'EPIPE';
  const isOfCertificate = alert !== undefined && /CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED/.test(alert);
  const isHandshakeFailure = alert === 'HANDSHAKE_FAILURE';
  if (!isOfCertificate && !isHandshakeFailure && !isClosed) return undefined;
  const said = alert === undefined ? 'it closed the connection' : `TLS alert ${alert}`;
  const fault = (problem: string, fix: string): Fault => ({
    code: 'TEMPORAL_CLIENT_CERTIFICATE_REJECTED',
    problem: `${problem} (${said})`,
    fix,
  });
  const setBoth =
    'set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to a certificate that the server accepts, and its key';
  if (!client) return fault('requires a client certificate, and none is set', setBoth);
  const { origin } = client.certificate;
  const certificate = parseCertificate(client.certificate);
  const now = Date.now();
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  if (to.getTime() < now) {
    return fault(
      `rejects the client certificate of ${origin}, which expired at ${to.toISOString()}`,
      'renew the certificate; a running program reads the new one within 5 s',
    );
  }
  if (from.getTime() > now) {
    return fault(
      `rejects the client certificate of ${origin}, which is not valid before ${from.toISOString()}`,
      'check the clocks of this machine and of the authority that signed it',
    );
  }
  if (!isOfCertificate) return undefined;
  const issuer = certificate.issuer.split('\n').join(', ');
  return fault(
    `rejects the client certificate of ${origin}, which ${issuer} has signed`,
    'use a certificate of an authority that the server accepts: clientCaFiles of its configuration, or in Temporal Cloud the CA certificates of the namespace',
  );
}

function handshakeFault(error: unknown): Fault {
  const code = codeOf(error);
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code)) {
    return {
      code: 'TEMPORAL_TLS_NOT_SUPPORTED',
      problem: `does not use TLS (${code})`,
      fix: 'set TEMPORAL_TLS=false and remove the other TEMPORAL_TLS_* settings, or enable TLS in the server',
    };
  }
  const reason = error === undefined ? 'the server closed the connection' : describeError(error);
  return {
    code: 'TEMPORAL_UNREACHABLE',
    problem: `is unreachable: the TLS handshake failed: ${reason}`,
    fix: 'check TEMPORAL_ADDRESS and the TLS settings of the server: it must offer TLS 1.2 or 1.3, and HTTP/2 by ALPN',
  };
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

const isAddress = (host: string) => isIPv6(host) || /^[\d.]+$/.test(host);

const DEFAULT_PORT = 7233;

/** As the SDK does: the port is optional, and an IPv6 address is in brackets if there is one. */
function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  return host === undefined
    ? { host: address, port: DEFAULT_PORT }
    : { host, port: port === undefined ? DEFAULT_PORT : Number(port) };
}
