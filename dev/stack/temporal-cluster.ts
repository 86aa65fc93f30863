import { port, type Ports } from './service.ts';
import { SERVER_PORTS } from './temporal-server.ts';
import type { ServiceHosts, TemporalTuning } from './temporal-tuning.ts';

/** One process of a Temporal server whose services run in processes of their own. */
export interface Host {
  /** `history`, or `history2` for the second one. Its ports begin with this name. */
  readonly name: string;
  readonly service: keyof ServiceHosts;
}

export const hostsOf = (hosts: ServiceHosts): readonly Host[] =>
  (Object.keys(hosts) as (keyof ServiceHosts)[]).flatMap((service) =>
    Array.from({ length: hosts[service] }, (_, index) => ({
      name: index === 0 ? service : `${service}${index + 1}`,
      service,
    })),
  );

/** Of a server in one process, and of the first process of each service. */
const USUAL_PORTS = { ...SERVER_PORTS, metrics: 7937 };
const FIRST_OTHER_PORT = 7240;

export const usualPorts = ({ hosts, metrics = false }: TemporalTuning): Ports => {
  const others = hosts ? hostsOf(hosts).flatMap(portNamesOf) : [];
  const all = {
    ...Object.fromEntries(others.map((name, index) => [name, FIRST_OTHER_PORT + index])),
    ...USUAL_PORTS,
  };
  return metrics
    ? all
    : Object.fromEntries(Object.entries(all).filter(([name]) => !/metrics$/i.test(name)));
};

const portNamesOf = ({ name }: Host) => [name, `${name}Membership`, `${name}Metrics`];

/** The ports with which one of the processes is configured: its own take the place of those of its service. */
export function portsOfHost(ports: Ports, { name, service }: Host): Ports {
  const { metrics, ...others } = ports;
  const ownMetrics = metrics === undefined ? {} : { metrics: port(ports, `${name}Metrics`) };
  return {
    ...others,
    ...ownMetrics,
    [service]: port(ports, name),
    [`${service}Membership`]: port(ports, `${name}Membership`),
    // For the process that does most of the work.
    pprof: name === 'history' ? port(ports, 'pprof') : 0,
  };
}

/** Where the processes of a server report their metrics. */
export const metricsPorts = (ports: Ports, { hosts }: TemporalTuning): readonly number[] =>
  hosts
    ? hostsOf(hosts).map(({ name }) => port(ports, `${name}Metrics`))
    : [port(ports, 'metrics')];
