import path from 'node:path';
import { execa } from 'execa';
import { buildOnce } from '../stack/build-once.ts';
import { goInstall } from '../stack/go.ts';
import { CACHE_DIR } from '../stack/places.ts';

const VERSION = 'v0.8.0';

/** The path of kubeconform: from the PATH, or built with Go, which takes about a minute. */
export async function findKubeconform(): Promise<string> {
  const installed = await execa('kubeconform', ['-v'], { reject: false });
  if (!installed.failed) return 'kubeconform';
  const folder = path.join(CACHE_DIR, `kubeconform-${VERSION}`);
  await buildOnce(
    folder,
    'kubeconform',
    () => undefined,
    async (target) => {
      console.error('kubeconform was not found. Building it with Go takes about a minute.');
      await goInstall(
        `github.com/yannh/kubeconform/cmd/kubeconform@${VERSION}`,
        target,
        () => undefined,
      );
    },
  );
  return path.join(folder, 'kubeconform');
}
