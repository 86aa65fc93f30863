import type { Command } from 'commander';
import { environmentOf } from '../../terminal/environment.ts';
import type { BridgeFlags } from '../bridge-endpoints.ts';

export function addResumeCommand(program: Command): void {
  program
    .command('resume')
    .description(
      'Close the circuit breaker of bridges, and acknowledge messages that they have reported as lost',
    )
    .option('--bridge <url...>', 'HTTP endpoints of the bridges (default: the one on this host)')
    .option(
      '--bridge-ca <file>',
      'PEM file of the authorities that sign the certificates of the bridges',
    )
    .option('--json', 'print newline-delimited JSON, one line per bridge')
    .addHelpText(
      'after',
      `
Sends POST /resume to each bridge, with the token in BRIDGE_HTTP_TOKEN if it is set. Without a token, a bridge
accepts it only from its own host.

Examples:
  order-ingest resume
  order-ingest resume --bridge https://bridge-1:9464 https://bridge-2:9464 --bridge-ca ca.crt`,
    )
    .action(run);
}

const TIMEOUT_MS = 5000;

async function run(flags: BridgeFlags & { readonly json?: true }, command: Command): Promise<void> {
  const [{ bridgeEndpoints }, { resumeBridge }] = await Promise.all([
    import('../bridge-endpoints.ts'),
    import('./resume-bridge.ts'),
  ]);
  const results = await Promise.all(
    bridgeEndpoints(flags, environmentOf(command)).map((target) =>
      resumeBridge(target, TIMEOUT_MS),
    ),
  );
  for (const { bridge, done, error } of results) {
    if (flags.json) console.log(JSON.stringify({ bridge, done, error }));
    else console.log(`${bridge}: ${done ?? `not resumed: ${error ?? ''}`}`);
  }
  if (results.some(({ done }) => done === undefined)) process.exitCode = 1;
}
