import { hasContainerEngine } from './container-engine.ts';
import type { ServiceName, TemporalServer } from './service.ts';
import type { ServiceState } from './state.ts';
import { findOnPath } from './temporal-cli.ts';

interface Stack {
  readonly ephemeral: boolean;
  readonly temporal: TemporalServer;
  /** The state of Temporal at the last start. */
  readonly knownTemporal: ServiceState | undefined;
}

/**
 * Which of these services run in containers: all of them if there is a container engine. An ephemeral stack
 * has none, because tests kill its processes and measure them.
 *
 * docker-compose.yml has one version of Temporal's dev server only, and a `temporal` on the PATH starts without
 * a download, so Temporal may be a process nevertheless. A stack whose data are in a container keeps it.
 */
export async function servicesInContainers(
  services: readonly ServiceName[],
  { ephemeral, temporal: { kind, version }, knownTemporal }: Stack,
  machine = { hasContainerEngine, findOnPath },
): Promise<ReadonlySet<ServiceName>> {
  if (ephemeral || services.length === 0 || !(await machine.hasContainerEngine())) return new Set();
  const isTemporalProcess =
    kind === 'postgres' ||
    version !== undefined ||
    (knownTemporal?.source !== 'container' && (await machine.findOnPath()) !== undefined);
  return new Set(
    services.filter(
      (service) =>
        // docker-compose.yml has no schema registry.
        service !== 'schema-registry' && (service !== 'temporal' || !isTemporalProcess),
    ),
  );
}
