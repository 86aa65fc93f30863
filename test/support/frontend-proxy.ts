import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { connect, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';

/** A gRPC status with which the proxy answers in place of the server. */
export interface GrpcAnswer {
  readonly status: number;
  readonly message: string;
}

/**
 * Stands between a worker and Temporal's frontend and sees single calls, unlike a TCP proxy: some of
 * them can be answered with an error of the test's choice.
 */
export interface FrontendProxy {
  readonly address: string;
  /**
   * Answers calls of these methods, such as `PollWorkflowTaskQueue`, with an error, also those that
   * wait for their answer already. An empty list ends that.
   */
  refuse(methods: readonly string[], answer?: GrpcAnswer): void;
  /** How many calls were answered with an error. */
  refused(): number;
  close(): Promise<void>;
}

/**
 * The SDK retries a poll without limit, but for this error, with which a poll fails at once: the one
 * way to see its end without waiting for the SDK's 60 s of grace.
 */
export const FATAL_TO_POLLS: GrpcAnswer = {
  status: 8,
  message: 'grpc: received message larger than max',
};

/** @param target `host:port` of the server */
export async function startFrontendProxy(target: string): Promise<FrontendProxy> {
  let methodsToRefuse: readonly string[] = [];
  let answer = FATAL_TO_POLLS;
  let refused = 0;
  const sessions = new Set<ServerHttp2Session>();
  const unanswered = new Map<ServerHttp2Stream, string>();
  const refuse = (stream: ServerHttp2Stream) => {
    refused += 1;
    unanswered.delete(stream);
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(answer.status),
        'grpc-message': encodeURIComponent(answer.message),
      },
      { endStream: true },
    );
  };
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => undefined);
  const upstream = connect(`http://${target}`);
  upstream.on('error', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const method = headers[':path']?.split('/').at(-1) ?? '';
    if (methodsToRefuse.includes(method)) {
      refuse(stream);
      return;
    }
    unanswered.set(stream, method);
    const call = upstream.request({ ...headers, ':authority': target });
    call.on('error', () => {
      stream.close();
    });
    stream.on('close', () => {
      unanswered.delete(stream);
      call.close();
    });
    stream.pipe(call);
    call.on('response', (response) => {
      if (stream.destroyed || stream.headersSent) return;
      unanswered.delete(stream);
      stream.respond(response, { waitForTrailers: true });
      let trailers: IncomingHttpHeaders = {};
      call.on('trailers', (received: IncomingHttpHeaders) => {
        trailers = received;
      });
      stream.on('wantTrailers', () => {
        stream.sendTrailers(trailers);
      });
      call.pipe(stream);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    refuse(methods, withAnswer = FATAL_TO_POLLS) {
      methodsToRefuse = methods;
      answer = withAnswer;
      for (const [stream, method] of unanswered) if (methods.includes(method)) refuse(stream);
    },
    refused: () => refused,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      upstream.destroy();
      await closed;
    },
  };
}
