import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect, rootCertificates, type TLSSocket } from 'node:tls';

/** How a tool reaches the HTTP endpoint of a bridge. */
export interface HttpTarget {
  /** Such as `https://bridge-1:9464`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Authorities to trust besides those of Node.js, as PEM. */
  readonly ca?: string | undefined;
  /** The server's own certificate as PEM, if it is known: then it may have any name and authority. */
  readonly certificate?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request without a body, and gives up after `timeoutMs`. */
export async function sendRequest(
  method: 'GET' | 'POST',
  path: string,
  target: HttpTarget,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  const url = new URL(path, target.url);
  const options = {
    method,
    signal,
    // A connection of its own, so that nothing keeps the process running.
    agent: false,
    headers: {
      ...(method === 'POST' && { 'content-type': 'application/json', 'content-length': '0' }),
      ...(target.token !== undefined && { authorization: `Bearer ${target.token}` }),
    },
  } as const;
  let request: ClientRequest;
  if (url.protocol !== 'https:') request = httpRequest(url, options);
  else if (target.certificate === undefined) {
    request = httpsRequest(url, {
      ...options,
      ...(target.ca !== undefined && { ca: [...rootCertificates, target.ca] }),
    });
  } else {
    const socket = await connectPinned(url, target.certificate, signal);
    request = httpsRequest(url, { ...options, agent: undefined, createConnection: () => socket });
  }
  request.end();
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error });
    throw error;
  }
}

/** The token must not be sent before it is known that the server has this certificate. */
async function connectPinned(
  url: URL,
  certificate: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const socket = connect({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || '443'),
    // The certificate is compared below.
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal });
    if (
      socket.getPeerX509Certificate()?.fingerprint256 ===
      new X509Certificate(certificate).fingerprint256
    ) {
      return socket;
    }
    throw new Error('the server has another certificate than the one in BRIDGE_HTTP_TLS_CERT_FILE');
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
