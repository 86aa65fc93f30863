import { accessSync, constants } from 'node:fs';
import path from 'node:path';
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
  /** How to install it. */
  readonly install: string;
}

/** Throws a StackError if the tool is missing or too old. */
export async function checkTool(tool: Tool): Promise<void> {
  const found = await installedVersion(tool);
  if (found !== undefined && !isOlder(found, tool.atLeast)) return;
  throw new StackError(
    found === undefined
      ? `${tool.name} was not found`
      : `${tool.name} ${found} is older than ${tool.atLeast}`,
  );
}

/** Throws a StackError with the ways out if the tool is missing or too old. */
export async function requireTool(
  tool: Tool,
  neededFor: string,
  otherWays: readonly string[],
): Promise<void> {
  try {
    await checkTool(tool);
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    throw new StackError(
      [
        `${neededFor} needs ${tool.name} ${tool.atLeast} or newer: ${error.message}. One of these is enough:`,
        ...[`${tool.name}: ${tool.install}`, ...otherWays].map((way) => `  - ${way}`),
      ].join('\n'),
      { cause: error },
    );
  }
}

/** The path of a command on the PATH. */
export function findCommand(
  name: string,
  searchPath = process.env['PATH'] ?? '',
): string | undefined {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A tool that is there must not count as missing because the machine is busy. */
export const VERSION_TIMEOUT_MS = 60_000;

/** The version that the tool reports; undefined if it is missing or cannot run. */
export async function installedVersion(
  tool: Pick<Tool, 'command' | 'versionArgs' | 'versionPattern'>,
): Promise<string | undefined> {
  if (!path.isAbsolute(tool.command) && findCommand(tool.command) === undefined) return undefined;
  const result = await execa(tool.command, tool.versionArgs, {
    reject: false,
    all: true,
    timeout: VERSION_TIMEOUT_MS,
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
