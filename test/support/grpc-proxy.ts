import { once } from 'node:events';
import http2 from 'node:http2';

/** Stands in front of a gRPC server and refuses some of its calls, as an authorizer would. */
export interface GrpcProxy {
  readonly address: string;
  close(): Promise<void>;
}

export interface Refusal {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
}

/**
 * @param target `host:port` of the server
 * @param refusalOf how a call is refused, by its path such as
 *   `/temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes`; undefined lets it pass
 */
export async function startGrpcProxy(
  target: string,
  refusalOf: (path: string) => Refusal | undefined,
): Promise<GrpcProxy> {
  const upstream = http2.connect(`http://${target}`);
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const refusal = refusalOf(headers[':path'] ?? '');
    if (refusal) {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': String(refusal.code),
          'grpc-message': encodeURIComponent(refusal.message),
        },
        { endStream: true },
      );
      return;
    }
    const call = upstream.request(headers);
    let trailers: http2.OutgoingHttpHeaders = {};
    call.on('response', (answer) => {
      const isTrailersOnly = 'grpc-status' in answer;
      stream.respond(answer, { endStream: isTrailersOnly, waitForTrailers: !isTrailersOnly });
      if (!isTrailersOnly) call.pipe(stream);
    });
    call.on('trailers', (answer: http2.IncomingHttpHeaders) => {
      trailers = answer;
    });
    stream.on('wantTrailers', () => {
      stream.sendTrailers(trailers);
    });
    stream.on('error', () => undefined);
    call.on('error', () => {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    });
    stream.on('close', () => {
      call.close(http2.constants.NGHTTP2_CANCEL);
    });
    stream.pipe(call);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      upstream.destroy();
      await closed;
    },
  };
}
