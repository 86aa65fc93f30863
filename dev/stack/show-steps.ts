import { Listr } from 'listr2';
import type { StartStep } from './stack.ts';

/** Runs the steps side by side, a line each: live on a terminal, plain lines on stderr elsewhere. */
export const showSteps = (steps: readonly StartStep[]): Promise<void> =>
  process.stdout.isTTY ? showLive(steps) : showPlainly(steps);

async function showLive(steps: readonly StartStep[]): Promise<void> {
  await new Listr(
    steps.map(({ title, run }) => ({
      title,
      task: async (_context: unknown, task: { title: string }) => {
        await run((text) => {
          task.title = `${title}: ${text}`;
        });
      },
    })),
    { concurrent: true, rendererOptions: { collapseErrors: false, showErrorMessage: false } },
  ).run();
}

const PLAIN_INTERVAL_MS = 10_000;

async function showPlainly(steps: readonly StartStep[]): Promise<void> {
  await Promise.all(
    steps.map(async ({ title, run }) => {
      let lastShown = 0;
      let latest = '';
      let shown = '';
      const show = () => {
        if (shown === latest) return;
        shown = latest;
        lastShown = Date.now();
        console.error(`${title}: ${latest}`);
      };
      await run((text) => {
        latest = text;
        if (Date.now() - lastShown >= PLAIN_INTERVAL_MS) show();
      });
      show();
    }),
  );
}
