import { bridgeSettings } from '../config/bridge-settings.ts';
import { readPem } from '../config/pem-file.ts';
import { readSettings, type Environment } from '../config/read-settings.ts';
import type { HttpTarget } from '../http/http-client.ts';

export interface BridgeFlags {
  /** URLs; undefined for the bridge on this host. */
  readonly bridge?: readonly string[];
  /** PEM file. */
  readonly bridgeCa?: string;
}

const { httpPort, httpToken, httpTlsCertFile } = bridgeSettings;
const ROLE = { bridge: { httpPort, httpToken, httpTlsCertFile } } as const;

/**
 * The HTTP endpoints of the bridges that the options name; by default the one of a bridge that has the same
 * settings and runs on this host, which is recognized by its own certificate.
 */
export function bridgeEndpoints(
  { bridge, bridgeCa }: BridgeFlags,
  env: Environment,
): readonly HttpTarget[] {
  const settings = readSettings(ROLE, env).bridge;
  const token = settings.httpToken?.current();
  if (bridge !== undefined) {
    const ca = readPem('--bridge-ca', bridgeCa);
    return bridge.map((url) => ({ url, token, ca }));
  }
  const port = settings.httpPort === 0 ? httpPort.default : settings.httpPort;
  if (settings.httpTlsCertFile === undefined) return [{ url: `http://127.0.0.1:${port}`, token }];
  const certificate = readPem(httpTlsCertFile.name, settings.httpTlsCertFile);
  return [{ url: `https://127.0.0.1:${port}`, token, certificate }];
}
