import { execa } from 'execa';
import type { Report } from './service.ts';
import { StackError } from './stack-error.ts';
import type { Tool } from './tool.ts';

/** The Go compiler, which builds Temporal's programs. */
export const GO: Tool = {
  command: 'go',
  versionArgs: ['version'],
  versionPattern: /go(\d+\.\d+)/,
  atLeast: '1.23',
  name: 'Go',
  install: 'https://go.dev/doc/install',
};

const SILENCE_MS = 5000;

/** Builds a program of a Go module, such as `example.org/module/cmd/program@v1.2.3`, into a folder. */
export async function goInstall(
  program: string,
  target: string,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  const build = execa('go', ['install', '-ldflags', '-s -w', program], {
    env: { GOBIN: target },
    reject: false,
    all: true,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  const compiling = () => {
    report('compiling, which takes minutes');
  };
  // Go reports its downloads, but prints nothing while it compiles.
  let silence = setTimeout(compiling, 0);
  build.all.on('data', (chunk: Buffer) => {
    report(chunk.toString().trim().split('\n').at(-1) ?? '');
    clearTimeout(silence);
    silence = setTimeout(compiling, SILENCE_MS);
  });
  const result = await build;
  clearTimeout(silence);
  if (result.failed) {
    throw new StackError(
      `Go could not build ${program} (${result.shortMessage}):\n${lastLines(result.all)}`,
    );
  }
}

/** Empty if the command could not be run at all. */
const lastLines = (output: string | undefined): string =>
  (output ?? '').trimEnd().split('\n').slice(-15).join('\n');
