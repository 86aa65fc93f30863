import type { Command } from 'commander';
import { continueOnBrokenPipe, forceExitAfterGrace } from '../../program/exit.ts';
import { processSignals } from '../../program/shutdown-signals.ts';
import { environmentOf } from '../../terminal/environment.ts';

export function addCodecServerCommand(program: Command): void {
  program
    .command('codec-server')
    .description('Decode encrypted payloads for the Temporal Web UI and the temporal command')
    .addHelpText(
      'after',
      `
Requires TEMPORAL_PAYLOAD_KEYS, and CODEC_SERVER_TOKEN unless only this host can reach it. Set the codec endpoint
of the Temporal Web UI to its address, and CODEC_SERVER_ORIGINS or TEMPORAL_UI to that of the UI.

Examples:
  TEMPORAL_PAYLOAD_KEYS_FILE=keys TEMPORAL_UI=http://localhost:8233 order-ingest codec-server
  temporal workflow show --workflow-id order:A-1001 --detailed --codec-endpoint http://127.0.0.1:9466`,
    )
    .action(async (_options, command: Command) => {
      continueOnBrokenPipe();
      const { runCodecServer } = await import('./run-codec-server.ts');
      await runCodecServer(environmentOf(command), processSignals).finally(forceExitAfterGrace);
    });
}
