import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { buildOnce } from '../stack/build-once.ts';
import { CACHE_DIR } from '../stack/places.ts';
import { StackError } from '../stack/stack-error.ts';

/** Prometheus 2.42, the version of Debian 12. */
const VERSION = 'v0.42.0';
const BUILT = path.join(CACHE_DIR, `promtool-${VERSION}`);

/**
 * The path of promtool, a part of Prometheus: from the PATH (Debian: package `prometheus`), or built with
 * Go, which takes about five minutes the first time.
 */
export async function findPromtool(): Promise<string> {
  const installed = await execa('promtool', ['--version'], { reject: false });
  if (!installed.failed) return 'promtool';
  await buildOnce(
    BUILT,
    'promtool',
    () => undefined,
    async (target) => {
      console.error(
        'promtool was not found (Debian: package prometheus). Building it with Go takes about five minutes.',
      );
      const module = `github.com/prometheus/prometheus@${VERSION}`;
      // `go install` refuses modules with `replace` directives; `go build` in the module's folder does not.
      const download = await run('go', ['mod', 'download', '-json', module], CACHE_DIR);
      const { Dir } = z.object({ Dir: z.string() }).parse(JSON.parse(download));
      const output = path.join(target, 'promtool');
      await run('go', ['build', '-ldflags', '-s -w', '-o', output, './cmd/promtool'], Dir);
    },
  );
  return path.join(BUILT, 'promtool');
}

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await execa(command, args, { cwd, reject: false });
  if (!result.failed) return result.stdout;
  throw new StackError(`promtool could not be built:\n${result.stderr || result.shortMessage}`);
}
