import path from 'node:path';
import { execa } from 'execa';
import { buildOnce } from './stack/build-once.ts';
import { goInstall } from './stack/go.ts';
import { CACHE_DIR, PROJECT_DIR } from './stack/places.ts';
import { runScript } from './stack/script.ts';

/** Checks the workflows in .github/ with actionlint, from the PATH or built with Go in half a minute. */
const VERSION = 'v1.7.12';

async function findActionlint(): Promise<string> {
  const installed = await execa('actionlint', ['--version'], { reject: false });
  if (!installed.failed) return 'actionlint';
  const built = path.join(CACHE_DIR, `actionlint-${VERSION}`);
  const report = () => undefined;
  await buildOnce(built, 'actionlint', report, async (target) => {
    console.error('actionlint was not found. Building it with Go …');
    await goInstall(`github.com/rhysd/actionlint/cmd/actionlint@${VERSION}`, target, report);
  });
  return path.join(built, 'actionlint');
}

await runScript(async () => {
  const { exitCode } = await execa(await findActionlint(), [], {
    cwd: PROJECT_DIR,
    stdio: 'inherit',
    reject: false,
  });
  process.exitCode = exitCode ?? 1;
});
