import { execa } from 'execa';
import { PROJECT_DIR } from '../stack/places.ts';
import { StackError } from '../stack/stack-error.ts';

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  /** stdout and stderr. */
  readonly output: string;
}

/** Runs the engine's command line and returns how it ended. */
export async function docker(
  args: readonly string[],
  { env = {}, input }: { readonly env?: Record<string, string>; readonly input?: string } = {},
): Promise<Finished> {
  const result = await execa('docker', args, {
    cwd: PROJECT_DIR,
    env,
    reject: false,
    all: true,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, output: result.all };
}

/** Runs the engine's command line and returns what it printed. Throws if it fails. */
export async function dockerOutput(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string } = {},
): Promise<string> {
  const { exitCode, stdout, output } = await docker(args, options);
  if (exitCode !== 0) throw new StackError(`docker ${args.join(' ')} failed:\n${output}`);
  return stdout.trim();
}

/** The part of `docker inspect` that the tests read. */
export interface Container {
  readonly Id: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Health?: { readonly Status: string };
  };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly Memory: number };
  readonly Config: { readonly Image: string };
}

export async function inspectContainer(id: string): Promise<Container> {
  const [container] = JSON.parse(await dockerOutput(['inspect', id])) as Container[];
  if (!container) throw new StackError(`there is no container ${id}`);
  return container;
}

/** The services of docker-compose.yml, as a project of its own. */
export class ComposeProject {
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;

  /** @param memoryBytes limit of each container of the image */
  constructor(name: string, memoryBytes: number) {
    // Later files add to earlier ones. Files are resolved against the folder of the first.
    this.#args = ['compose', '--project-name', name, '--file', 'docker-compose.yml', '--file', '-'];
    this.#input = JSON.stringify({
      services: Object.fromEntries(
        ['bridge', 'worker', 'setup', 'tools'].map((service) => [
          service,
          { mem_limit: memoryBytes },
        ]),
      ),
    });
    // The engine chooses the published ports, so that any number of projects can run.
    this.#env = { KAFKA_PORT: '0', TEMPORAL_PORT: '0', TEMPORAL_UI_PORT: '0', POSTGRES_PORT: '0' };
  }

  readonly #input: string;

  run(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    return docker([...this.#args, ...args], {
      env: { ...this.#env, ...env },
      input: this.#input,
    });
  }

  async output(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { exitCode, stdout, output } = await this.run(args, env);
    if (exitCode !== 0) throw new StackError(`docker compose ${args.join(' ')} failed:\n${output}`);
    return stdout.trim();
  }

  /** Runs a command of order-ingest in the service `tools`. */
  tools(args: readonly string[]): Promise<Finished> {
    return this.run(['run', '--rm', '--no-TTY', 'tools', ...args]);
  }

  /** All containers of a service, stopped ones too. */
  async containers(service: string): Promise<readonly Container[]> {
    const ids = await this.output(['ps', '--all', '--quiet', service]);
    return Promise.all(ids.split('\n').filter(Boolean).map(inspectContainer));
  }
}
