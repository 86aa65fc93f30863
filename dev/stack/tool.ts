import { execa } from 'execa';
import { StackError } from './stack-error.ts';

/** A program that has to be installed for the stack. */
export interface Tool {
  readonly command: string;
  readonly versionArgs: readonly string[];
  /** Its first group captures the leading numbers of the version. */
  readonly versionPattern: RegExp;
  /** The oldest supported version, such as `17` or `1.25`. */
  readonly atLeast: string;
  readonly name: string;
  readonly neededFor: string;
  readonly install: string;
  /** The setting that names a running server instead. */
  readonly instead: string;
}

/** Throws a StackError with instructions if the tool is missing or too old. */
export async function requireTool(tool: Tool): Promise<void> {
  const found = await installedVersion(tool);
  if (found !== undefined && !isOlder(found, tool.atLeast)) return;
  const state = found === undefined ? 'was not found' : `is too old (${found})`;
  throw new StackError(
    [
      `${tool.neededFor} needs ${tool.name} ${tool.atLeast} or newer, which ${state}.`,
      `Either install it (${tool.install}),`,
      `or start a container engine such as Docker,`,
      `or set ${tool.instead} to a running server.`,
    ].join('\n  '),
  );
}

/** The version that the tool reports; undefined if it is missing or cannot run. */
export async function installedVersion(
  tool: Pick<Tool, 'command' | 'versionArgs' | 'versionPattern'>,
): Promise<string | undefined> {
  const result = await execa(tool.command, tool.versionArgs, {
    reject: false,
    all: true,
    timeout: 20_000,
  });
  return result.failed ? undefined : tool.versionPattern.exec(result.all)?.[1];
}

export function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => text.split('.').map(Number));
  for (const [index, wanted] of (right ?? []).entries()) {
    const given = left?.[index] ?? 0;
    if (given !== wanted) return given < wanted;
  }
  return false;
}
