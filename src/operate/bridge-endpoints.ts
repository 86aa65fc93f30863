import { readFileSync } from 'node:fs';
import { bridgeSettings } from '../config/bridge-settings.ts';
import { readSettings, type Environment } from '../config/read-settings.ts';
import type { HttpTarget } from '../http/http-client.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

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
    const ca = bridgeCa === undefined ? undefined : readFile('--bridge-ca', bridgeCa);
    return bridge.map((url) => ({ url, token, ca }));
  }
  const port = settings.httpPort === 0 ? httpPort.default : settings.httpPort;
  if (settings.httpTlsCertFile === undefined) return [{ url: `http://127.0.0.1:${port}`, token }];
  const certificate = readFile(httpTlsCertFile.name, settings.httpTlsCertFile);
  return [{ url: `https://127.0.0.1:${port}`, token, certificate }];
}

function readFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      `The file of ${name} cannot be read: ${describeError(error)}`,
      'name a PEM file that this user may read',
      { cause: error },
    );
  }
}
