import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Shell completion of the commands and options that `program` has so far: add this command last. */
export function addCompletionCommand(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('Print a shell completion script')
    .addHelpText(
      'after',
      `
Examples:
  source <(order-ingest completion bash)    # requires the package bash-completion
  source <(order-ingest completion zsh)
  order-ingest completion fish | source`,
    );
}
