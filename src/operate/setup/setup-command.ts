import { Option, type Command } from 'commander';
import type { Environment } from '../../config/read-settings.ts';
import { environmentOf } from '../../terminal/environment.ts';

const PARTS = ['kafka', 'temporal', 'database'] as const;
type Part = (typeof PARTS)[number];

interface SetupFlags {
  readonly only?: readonly Part[];
  readonly json?: true;
}

export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description('make topics, search attributes and tables where they are missing; safe to repeat')
    .addOption(
      new Option('--only <part...>', 'do only this, where the rest is not to be reached').choices(
        PARTS,
      ),
    )
    .option('--json', 'the result as a JSON object')
    .addHelpText('after', '\nExample:\n  order-ingest setup\n  order-ingest setup --only database')
    .action(async ({ only = PARTS, json }: SetupFlags, command: Command) => {
      const env = environmentOf(command);
      const result: Partial<Record<Part, readonly string[]>> = {};
      for (const part of PARTS.filter((name) => only.includes(name))) {
        const { made, hints = [] } = await SETUP[part](env);
        result[part] = made;
        if (!json) {
          console.log(
            `${part}: ${made.length > 0 ? `made ${made.join(', ')}` : 'all there already'}`,
          );
          for (const hint of hints) console.log(`  ${hint}`);
        }
      }
      if (json) console.log(JSON.stringify({ made: result }));
    });
}

interface Made {
  /** The names of what was made. */
  readonly made: readonly string[];
  /** What remains for an operator to do. */
  readonly hints?: readonly string[];
}

const SETUP: Record<Part, (env: Environment) => Promise<Made>> = {
  kafka: async (env) => ({
    made: await (
      await import('./set-up.ts')
    ).setUpKafka(env, (reason) => {
      console.error(`kafka: the cluster is still starting, waiting for it: ${reason}`);
    }),
  }),
  temporal: async (env) => ({
    made: await (await import('./set-up.ts')).setUpTemporal(env),
  }),
  database: async (env) => (await import('./set-up.ts')).setUpDatabase(env),
};
