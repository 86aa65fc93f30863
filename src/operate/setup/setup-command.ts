import { Option, type Command } from 'commander';
import type { Environment } from '../../config/read-settings.ts';
import { environmentOf } from '../../terminal/environment.ts';
import type { SetupResult } from './set-up.ts';

const PARTS = ['kafka', 'temporal', 'database'] as const;
type Part = (typeof PARTS)[number];

interface SetupFlags {
  readonly only?: readonly Part[];
  readonly contract?: true;
  readonly json?: true;
}

export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description('Create missing topics, search attributes and tables; safe to repeat')
    .addOption(new Option('--only <part...>', 'set up only these parts').choices(PARTS))
    .option(
      '--contract',
      'also run the migrations that break older versions; only once no such worker is left',
    )
    .option('--json', 'print the result as a JSON object')
    .addHelpText('after', '\nExamples:\n  order-ingest setup\n  order-ingest setup --only database')
    .action(run);
}

async function run({ only = PARTS, contract, json }: SetupFlags, command: Command): Promise<void> {
  const env = environmentOf(command);
  const made: Partial<Record<Part, readonly string[]>> = {};
  const grants: string[] = [];
  const { checkOrderModule } = await import('./set-up.ts');
  if (only.includes('database')) await checkOrderModule(env);
  for (const part of PARTS.filter((name) => only.includes(name))) {
    const { created, granted = [], hints = [] } = await setUp(part, env, contract === true);
    made[part] = created;
    grants.push(...granted);
    if (json) continue;
    console.log(`${part}: ${created.length > 0 ? `created ${created.join(', ')}` : 'up to date'}`);
    for (const statement of granted) console.log(`  ${statement};`);
    for (const hint of hints) console.log(`  ${hint}`);
  }
  if (json)
    console.log(JSON.stringify({ made, ...(grants.length > 0 ? { granted: grants } : {}) }));
}

async function setUp(part: Part, env: Environment, contract: boolean): Promise<SetupResult> {
  const { setUpDatabase, setUpKafka, setUpTemporal } = await import('./set-up.ts');
  switch (part) {
    case 'kafka':
      return setUpKafka(env, (reason) => {
        console.error(`kafka: waiting for the cluster to be ready: ${reason}`);
      });
    case 'temporal':
      return setUpTemporal(env);
    case 'database':
      return setUpDatabase(env, contract, (reason) => {
        console.error(`database: waiting: ${reason}`);
      });
    default:
      return part satisfies never;
  }
}
