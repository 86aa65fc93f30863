import { once } from 'node:events';
import {
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';

/** The status of a gRPC call that has failed. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** A proxy in front of a gRPC server such as Temporal's frontend. It can reject single calls. */
export interface GrpcProxy {
  readonly address: string;
  /**
   * From now on answers with `status` every call whose path, such as
   * `/temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes`, matches `calls`, and at
   * once those of them that are waiting for an answer. Replaces what an earlier call has set.
   */
  reject(calls: RegExp, status: GrpcStatus): void;
  /** From now on forwards every call. */
  forwardAll(): void;
  /** The `authorization` headers of all calls so far, by the method that was called. */
  readonly authorizations: ReadonlyMap<string, ReadonlySet<string>>;
  /** The `grpc-encoding` headers of all requests so far, by the method that was called. */
  readonly requestEncodings: ReadonlyMap<string, ReadonlySet<string>>;
  /** The same of all answers, except those of calls that failed, which have no message to compress. */
  readonly answerEncodings: ReadonlyMap<string, ReadonlySet<string>>;
  close(): Promise<void>;
}

/** @param target `host:port` of the server */
export async function startGrpcProxy(target: string): Promise<GrpcProxy> {
  let statusFor: (path: string) => GrpcStatus | undefined = () => undefined;
  const sessions = new Set<ServerHttp2Session>();
  const authorizations = new Map<string, Set<string>>();
  const requestEncodings = new Map<string, Set<string>>();
  const answerEncodings = new Map<string, Set<string>>();
  /** The calls without an answer, with their paths. */
  const waiting = new Map<ServerHttp2Stream, string>();
  const upstream = connect(`http://${target}`);
  upstream.on('error', () => undefined);
  const server = createServer();
  server.on('sessionError', () => undefined);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const path = headers[':path'] ?? '';
    const method = path.split('/').at(-1) ?? '';
    record(authorizations, method, headers.authorization);
    record(requestEncodings, method, headers['grpc-encoding']);
    const rejection = statusFor(path);
    if (rejection) {
      rejectCall(stream, rejection);
      return;
    }
    waiting.set(stream, path);
    const call = upstream.request({ ...headers, ':authority': target });
    call.on('error', () => {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    stream.on('close', () => {
      waiting.delete(stream);
      call.close(constants.NGHTTP2_CANCEL);
    });
    call.on('response', (answer) => {
      if (!waiting.delete(stream)) return;
      // A call that fails is answered with trailers only.
      const endStream = 'grpc-status' in answer;
      if (!endStream) record(answerEncodings, method, answer['grpc-encoding']);
      let trailers: IncomingHttpHeaders = {};
      call.on('trailers', (received: IncomingHttpHeaders) => {
        trailers = received;
      });
      stream.on('wantTrailers', () => {
        stream.sendTrailers(trailers);
      });
      stream.respond(answer, { endStream, waitForTrailers: !endStream });
      if (!endStream) call.pipe(stream);
    });
    stream.pipe(call);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    reject(calls, status) {
      statusFor = (path) => (calls.test(path) ? status : undefined);
      for (const [stream, path] of waiting) {
        if (!calls.test(path)) continue;
        waiting.delete(stream);
        rejectCall(stream, status);
      }
    },
    forwardAll() {
      statusFor = () => undefined;
    },
    authorizations,
    requestEncodings,
    answerEncodings,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      upstream.destroy();
      await closed;
    },
  };
}

/** Adds the value of a header to those of the method; an absent one is empty. */
function record(
  headers: Map<string, Set<string>>,
  method: string,
  value: string | readonly string[] | undefined,
): void {
  headers.set(method, (headers.get(method) ?? new Set()).add(String(value ?? '')));
}

const rejectCall = (stream: ServerHttp2Stream, { code, message }: GrpcStatus): void => {
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(code),
      'grpc-message': encodeURIComponent(message),
    },
    { endStream: true },
  );
};
