import { spawn } from 'node:child_process';

/**
 * Runs several programs as one: passes SIGTERM on to all, ends all when one ends, and exits when all have ended.
 *
 * Usage: node --import tsx run-together.ts COMMAND '["ARG", …]' '["ARG", …]' …
 */
const [command = '', ...programs] = process.argv.slice(2);
const children = programs.map((args) =>
  spawn(command, JSON.parse(args) as string[], { stdio: ['ignore', 'inherit', 'inherit'] }),
);
const endAll = () => {
  for (const child of children) child.kill('SIGTERM');
};
process.on('SIGTERM', endAll);
for (const child of children) {
  child.on('exit', (status) => {
    if (status !== 0) process.exitCode = 1;
    endAll();
  });
}
