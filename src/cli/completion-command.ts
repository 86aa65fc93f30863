import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Completion for bash, zsh and fish, out of the commands and options of `program`. To be added last. */
export function addCompletionCommand(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('print a script that completes commands and options: bash, zsh or fish')
    .addHelpText(
      'after',
      `
Examples:
  source <(order-ingest completion bash)    # needs the package bash-completion
  source <(order-ingest completion zsh)
  order-ingest completion fish | source`,
    );
}
