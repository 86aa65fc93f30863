import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import type { EncryptionCodec } from '../temporal/payload-codec.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export interface WorkflowCodeOptions {
  /** Whether spans are created within the workflow, too. */
  readonly traced: boolean;
  readonly codec: EncryptionCodec;
}

/**
 * The code of the workflows, and how their data is converted. In dist/ the code is a bundle created by the build, so
 * that all workers of a version run the same code and start fast; in src/ it is the sources. All bundles issue the same
 * commands to the server. The traced ones also create spans. Those for encryption put what failures say into payloads:
 * the bundle and the worker must have the same failure converter.
 */
export function workflowCode({
  traced,
  codec,
}: WorkflowCodeOptions): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'dataConverter'> {
  const isFromSources = import.meta.url.endsWith('.ts');
  const encrypts = codec.keys.encrypting !== undefined;
  const bundle = `workflow-bundle${traced ? '-traced' : ''}${encrypts ? '-encrypted' : ''}.js`;
  const failureConverter = `../temporal/failure-converter.${isFromSources ? 'ts' : 'js'}`;
  return {
    ...(isFromSources
      ? { workflowsPath: here('../workflows/index.ts') }
      : { workflowBundle: { codePath: here(`../${bundle}`) } }),
    dataConverter: {
      payloadCodecs: [codec],
      ...(encrypts ? { failureConverterPath: here(failureConverter) } : {}),
    },
  };
}
