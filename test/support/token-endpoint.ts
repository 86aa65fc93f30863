import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProgramEnv } from './programs.ts';

/** The token endpoint of an authorization server, for the client credentials grant. */
export interface TokenEndpoint {
  /** The settings with which a program logs in with its tokens. */
  readonly env: ProgramEnv;
  /** How many tokens it has issued. */
  readonly issued: number;
  close(): Promise<void>;
}

export async function startTokenEndpoint(options: {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly issue: () => { readonly token: string; readonly lifetimeMs: number };
}): Promise<TokenEndpoint> {
  const { clientId, clientSecret, issue } = options;
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  const expected = `Basic ${Buffer.from(pair).toString('base64')}`;
  let issued = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.headers.authorization !== expected) {
        response.writeHead(401).end(JSON.stringify({ error: 'invalid_client' }));
        return;
      }
      issued += 1;
      const { token, lifetimeMs } = issue();
      response.end(JSON.stringify({ access_token: token, expires_in: lifetimeMs / 1000 }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: `http://127.0.0.1:${port}/token`,
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: clientId,
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: clientSecret,
    },
    get issued() {
      return issued;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
