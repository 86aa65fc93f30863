import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type BundleOptions, bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { z } from 'zod';
import { PROJECT_DIR } from './stack/places.ts';

export interface WorkflowBundle {
  readonly code: string;
  /** The folders in node_modules of the packages that the code contains. */
  readonly packages: readonly string[];
}

/**
 * Bundles the workflows with everything they import, so that a worker starts without a bundler. Their modules are
 * evaluated once per workflow thread instead of for each workflow: they hold no state of a workflow.
 */
export async function bundleWorkflows(
  options: Pick<
    BundleOptions,
    'workflowsPath' | 'workflowInterceptorModules' | 'failureConverterPath'
  >,
): Promise<WorkflowBundle> {
  const { workflowsPath, failureConverterPath } = options;
  const { code } = await bundleWorkflowCode({
    ...options,
    preloadModules: [
      workflowsPath,
      ...(failureConverterPath === undefined ? [] : [failureConverterPath]),
    ],
    logger: new DefaultLogger('WARN'),
  });
  const mapStart = code.lastIndexOf(SOURCE_MAP_PREFIX) + SOURCE_MAP_PREFIX.length;
  // The same code on every machine: the bundler writes the absolute paths of this one into the map.
  const map = Buffer.from(code.slice(mapStart), 'base64').toString().replaceAll(PROJECT_DIR, '');
  const { sources } = sourceMapSchema.parse(JSON.parse(map));
  return {
    code: code.slice(0, mapStart) + Buffer.from(map).toString('base64'),
    packages: [...new Set(sources.flatMap((source) => packageOf(source) ?? []))],
  };
}

/** The worker reads the source map to name the lines of the sources in stack traces. */
const SOURCE_MAP_PREFIX = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';
const sourceMapSchema = z.object({ sources: z.array(z.string()) });

const packageOf = (source: string): string | undefined =>
  /(?:^|\|)((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(source)?.[1];

/** The license texts of packages whose code is part of ours, which their licenses require us to include. */
export function licenseTexts(packages: readonly string[]): string {
  return packages
    .map((folder) => {
      const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const dir = path.join(PROJECT_DIR, folder);
      const file = readdirSync(dir).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
      if (file === undefined) throw new Error(`${folder} has no license file`);
      return `${'='.repeat(80)}\n${name}\n\n${readFileSync(path.join(dir, file), 'utf8').trim()}\n`;
    })
    .join('\n');
}
