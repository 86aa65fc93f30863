import type { Environment } from '../config/read-settings.ts';

/** In the order in which grpc-js 1.14 looks at them (http_proxy.js); it knows no capital letters. */
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

/** The variable that sends a gRPC connection through a proxy; undefined when nothing does. */
export function proxyVariable(address: string, env: Environment): string | undefined {
  const variable = PROXY_VARIABLES.find((name) => env[name]);
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const exempt = (env['no_grpc_proxy'] || env['no_proxy'] || '').split(',');
  return exempt.some((name) => name.trim() !== '' && host.endsWith(name.trim()))
    ? undefined
    : variable;
}

/** The end of a sentence about a connection that failed; empty when no proxy is involved. */
export function proxyHint(address: string, env: Environment): string {
  const variable = proxyVariable(address, env);
  return variable === undefined
    ? ''
    : `; ${variable} in the environment sends this connection through a proxy: to connect directly, add the host to no_proxy`;
}
