import { Listr } from 'listr2';
import type { Progress } from './service.ts';
import type { StartStep } from './stack.ts';

/**
 * Runs the steps concurrently and shows one line per step: live on a terminal, as plain lines on stderr
 * elsewhere. Waits for all steps before it throws the error of one.
 */
export const showSteps = (steps: readonly StartStep[]): Promise<void> =>
  process.stdout.isTTY ? showLive(steps) : showPlainly(steps);

/** Runs the steps concurrently without showing anything. Waits for all steps, too. */
export const quietly = async (steps: readonly StartStep[]): Promise<void> => {
  const results = await Promise.allSettled(steps.map(({ run }) => run(() => undefined)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
};

/** For what is installed without showing anything. */
export const NOT_SHOWN: Progress = { report: () => undefined, note: () => undefined };

async function showLive(steps: readonly StartStep[]): Promise<void> {
  const list = new Listr(
    steps.map(({ title, run }) => ({
      title,
      rendererOptions: { persistentOutput: true, outputBar: Infinity },
      task: async (_context: unknown, task: { title: string; output: string }) => {
        await run(
          (text) => {
            task.title = `${title}: ${text}`;
          },
          (text) => {
            task.output = text;
          },
        );
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      collectErrors: 'minimal',
      rendererOptions: { showErrorMessage: false },
    },
  );
  await list.run();
  for (const { error } of list.errors) throw error;
}

const PLAIN_INTERVAL_MS = 10_000;

async function showPlainly(steps: readonly StartStep[]): Promise<void> {
  const results = await Promise.allSettled(
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
      await run(
        (text) => {
          latest = text;
          if (Date.now() - lastShown >= PLAIN_INTERVAL_MS) show();
        },
        (text) => {
          console.error(`${title}: ${text}`);
        },
      );
      show();
    }),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
