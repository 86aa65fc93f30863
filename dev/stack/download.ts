import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { Report } from './service.ts';
import { StackError } from './stack-error.ts';

/** A network that drops packets instead of refusing them must not delay the start. */
const ANSWER_TIMEOUT_MS = 4000;
/** A download may take as long as it needs, but not stand still. */
const STALL_TIMEOUT_MS = 15_000;

/** Downloads a small text. */
export async function downloadText(url: string): Promise<string> {
  return withTimeout(url, undefined, async (response, keepAlive) => {
    keepAlive();
    return response.text();
  });
}

/** Downloads a file. */
export async function downloadFile(
  url: string,
  file: string,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  await withTimeout(url, signal, async (response, keepAlive) => {
    const total = Number(response.headers.get('content-length'));
    let received = 0;
    const counted = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        keepAlive();
        received += chunk.length;
        report(
          total > 0
            ? `${megabytes(received)} of ${megabytes(total)} MB`
            : `${megabytes(received)} MB`,
        );
        yield chunk;
      }
    };
    if (!response.body) throw new Error('the response is empty');
    await pipeline(Readable.fromWeb(response.body), counted, createWriteStream(file));
  });
}

/** Extracts members of a .tar.gz archive, without the first folders of their paths. */
export async function untar(
  archive: string,
  target: string,
  members: readonly string[],
  stripFolders = 0,
): Promise<void> {
  const result = await execa(
    'tar',
    ['-xzf', archive, '-C', target, `--strip-components=${stripFolders}`, ...members],
    { reject: false, all: true },
  );
  if (result.failed) throw new StackError(`tar failed: ${result.all || result.shortMessage}`);
}

/** The hash of a file, in hexadecimal. */
export async function hashOf(file: string, algorithm: 'sha256' | 'sha512'): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const megabytes = (bytes: number) => Math.round(bytes / 1_000_000);

async function withTimeout<Result>(
  url: string,
  signal: AbortSignal | undefined,
  read: (response: Response, keepAlive: () => void) => Promise<Result>,
): Promise<Result> {
  const timeout = new AbortController();
  const abortAfter = (ms: number, what: string) =>
    setTimeout(() => {
      timeout.abort(new Error(`${what} for ${ms / 1000} s`));
    }, ms);
  let timer = abortAfter(ANSWER_TIMEOUT_MS, 'no answer');
  const keepAlive = () => {
    clearTimeout(timer);
    timer = abortAfter(STALL_TIMEOUT_MS, 'no data');
  };
  try {
    const response = await fetch(url, {
      signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal,
    });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return await read(response, keepAlive);
  } catch (error) {
    throw new StackError(`${new URL(url).host}: ${rootCause(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch failed` says nothing; its cause does, such as `getaddrinfo ENOTFOUND`. */
function rootCause(error: unknown): string {
  // A test runner has its own class Error, so that `instanceof` does not recognize the errors of Node.
  const { cause, errors, message } = error as {
    cause?: unknown;
    errors?: unknown[];
    message?: string;
  };
  if (cause !== undefined) return rootCause(cause);
  return errors?.[0] === undefined ? (message ?? String(error)) : rootCause(errors[0]);
}
