import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { PROJECT_DIR, STACKS_DIR } from '../../../dev/stack/places.ts';
import { MAIN } from '../../support/programs.ts';
import { uniqueName } from '../../support/stack.ts';

/** A build of the programs: its `main.js`. */
export interface Build {
  readonly main: string;
  remove(): void;
}

/** The build under test, in dist/. */
export const CURRENT: Build = { main: MAIN, remove: () => undefined };

/** The build that `--from` names, which is upgraded to the current one; the current one if it is not given. */
export const FROM: Build = { ...CURRENT, main: process.env['UPGRADE_FROM_MAIN'] ?? MAIN };

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
export async function buildWithWorkflow(change: WorkflowChange): Promise<Build> {
  const { build, dist } = copyOfCurrent(change);
  writeFileSync(path.join(dist, 'workflow-bundle.js'), await bundleChange(change));
  return build;
}

/**
 * A build whose bridge writes everything in another form that a version may change: request IDs, the
 * fingerprint in the memo, and the member's metadata in the consumer group. As a new version must, it
 * recognizes the fingerprints of the current one.
 */
export function buildWithOtherBridge(): Build {
  const { build, dist } = copyOfCurrent('bridge');
  replace(path.join(dist, 'contract/ids.js'), ".join('/')", ".join('|')");
  const fingerprints = path.join(dist, 'order/fingerprint.js');
  replace(fingerprints, "const PREFIX = '2:';", "const PREFIX = '3:';");
  replace(
    fingerprints,
    'stored === fingerprint ||',
    "stored === fingerprint || stored === fingerprint.replace(/^3:/, '2:') ||",
  );
  replace(
    path.join(dist, 'kafka/consumer/subscription-assigner.js'),
    '...roundRobin,',
    `...roundRobin,
            protocol: ({ topics }) => ({
                name: roundRobin.name,
                metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({
                    version: 7, topics, userData: Buffer.from('{"format": "of another version"}'),
                }),
            }),`,
  );
  return build;
}

function copyOfCurrent(name: string) {
  // Within the project, so that its packages are found.
  const dir = path.join(STACKS_DIR, 'builds', uniqueName(name));
  const dist = path.join(dir, 'dist');
  mkdirSync(dir, { recursive: true });
  cpSync(path.join(PROJECT_DIR, 'dist'), dist, { recursive: true });
  cpSync(path.join(PROJECT_DIR, 'package.json'), path.join(dir, 'package.json'));
  const build: Build = {
    main: path.join(dist, 'cli/main.js'),
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return { build, dist };
}

function replace(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  if (text.split(from).length !== 2) {
    throw new Error(`"${from}" does not occur exactly once in ${file}: update this file`);
  }
  writeFileSync(
    file,
    text.replace(from, () => to),
  );
}
