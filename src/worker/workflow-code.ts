import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * The code of the workflows. In dist/ it is the bundle created by the build, so that all workers of a
 * version run the same code and start fast; in src/ it is the sources. The traced bundle also creates
 * spans within the workflow, and issues the same commands to the server.
 */
export const workflowCode = ({
  traced,
}: {
  readonly traced: boolean;
}): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> =>
  import.meta.url.endsWith('.ts')
    ? { workflowsPath: here('../workflows/index.ts') }
    : {
        workflowBundle: {
          codePath: here(traced ? '../workflow-bundle-traced.js' : '../workflow-bundle.js'),
        },
      };
