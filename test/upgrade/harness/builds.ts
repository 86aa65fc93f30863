import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { PROJECT_DIR, STACKS_DIR } from '../../../dev/stack/places.ts';
import { MAIN } from '../../support/programs.ts';
import { uniqueName } from '../../support/stack.ts';

/** A build of the programs: its `main.js` (see `startProgram`). */
export interface Build {
  readonly main: string;
  remove(): void;
}

/** The build under test, in dist/. */
export const CURRENT: Build = { main: MAIN, remove: () => undefined };

/** The build that `--from` names, which is upgraded to the current one; the current one if it is not given. */
export const FROM: Build = { ...CURRENT, main: process.env['UPGRADE_FROM_MAIN'] ?? MAIN };

/** A change of one file of dist/. */
export interface Change {
  readonly file: string;
  /** Must occur in it exactly once. */
  readonly from: string;
  readonly to: string;
}

/**
 * Another build, which differs from the current one in this.
 *
 * @param files the content of files of dist/, by path
 * @param migrations the SQL of additional migrations, by name
 */
export function createBuild({
  version,
  changes = [],
  files = {},
  migrations = {},
}: {
  readonly version?: string;
  readonly changes?: readonly Change[];
  readonly files?: Readonly<Record<string, string>>;
  readonly migrations?: Readonly<Record<string, string>>;
}): Build {
  // Within the project, so that the programs find their packages.
  const dir = path.join(STACKS_DIR, 'builds', uniqueName('build'));
  const dist = (file: string) => path.join(dir, 'dist', file);
  const remove = () => {
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    cpSync(path.join(PROJECT_DIR, 'dist'), dist(''), { recursive: true });
    const manifest = path.join(dir, 'package.json');
    cpSync(path.join(PROJECT_DIR, 'package.json'), manifest);
    if (version !== undefined) writeFileSync(manifest, JSON.stringify({ version, type: 'module' }));
    for (const { file, from, to } of changes) {
      const parts = readFileSync(dist(file), 'utf8').split(from);
      if (parts.length !== 2) {
        throw new Error(`${file} has ${parts.length - 1} times "${from}": update this file`);
      }
      writeFileSync(dist(file), parts.join(to));
    }
    for (const [file, content] of Object.entries(files)) writeFileSync(dist(file), content);
    for (const [name, sql] of Object.entries(migrations)) {
      writeFileSync(dist(`order/migrations/${name}.sql`), `-- Up Migration\n${sql}\n`);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { main: dist('cli/main.js'), remove };
}

/** A change of the workflow's code in test/workflow/changes/. */
export type WorkflowChange = 'patched' | 'unpatched' | 'prepared';

export const bundleChange = async (change: WorkflowChange): Promise<string> => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(PROJECT_DIR, 'test/workflow/changes', `${change}.ts`),
    logger: new DefaultLogger('WARN'),
  });
  return code;
};

/** The current build with another workflow. */
export const buildWithWorkflow = async (change: WorkflowChange): Promise<Build> =>
  createBuild({ files: { 'workflow-bundle.js': await bundleChange(change) } });

/**
 * A build whose bridge writes everything in another form that a version may change: request IDs, the
 * fingerprint in the memo, and the member's metadata in the consumer group.
 */
export const buildWithOtherBridge = (): Build =>
  createBuild({
    changes: [
      { file: 'contract/ids.js', from: ".join('/')", to: ".join('|')" },
      {
        file: 'order/order-module.js',
        from: 'fingerprintForm: 2',
        to: 'fingerprintForm: 3',
      },
      {
        file: 'kafka/consumer/subscription-assigner.js',
        from: '...roundRobin,',
        to: `...roundRobin,
            protocol: ({ topics }) => ({
                name: roundRobin.name,
                metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({
                    version: 7, topics, userData: Buffer.from('{"format": "of another version"}'),
                }),
            }),`,
      },
    ],
  });
