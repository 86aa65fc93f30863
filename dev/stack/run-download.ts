import { execa } from 'execa';
import { StackError } from './stack-error.ts';

/** Package managers wait for minutes on a network that drops packets. On a busy machine, they are slow themselves. */
const ANSWER_TIMEOUT_MS = 30_000;
const TICK_MS = 1000;

/**
 * Runs a package manager's download. Throws a StackError if it fails, or if its first request is not answered
 * within seconds.
 */
export async function runDownload(
  command: string,
  args: readonly string[],
  options: {
    /** The name of the package manager. Default: the command. */
    readonly title?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Matches the output when the package manager sends its first request. */
    readonly asks: RegExp;
    /** Matches the output when a request has been answered. */
    readonly isAnswered: RegExp;
    readonly onOutput?: (text: string) => void;
    readonly onTick?: () => void;
    readonly answerTimeoutMs?: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const silence = new AbortController();
  const { title = command, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  let timer: NodeJS.Timeout | undefined;
  let answered = false;
  const ticker = setInterval(() => options.onTick?.(), TICK_MS);
  const signals = [silence.signal, ...(options.signal ? [options.signal] : [])];
  const run = execa(command, args, {
    ...(options.env ? { env: options.env } : {}),
    reject: false,
    all: true,
    stdin: 'ignore',
    cancelSignal: AbortSignal.any(signals),
    forceKillAfterDelay: 1000,
  });
  run.all.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    answered ||= options.isAnswered.test(text);
    if (answered) clearTimeout(timer);
    else if (options.asks.test(text)) {
      timer ??= setTimeout(() => {
        silence.abort();
      }, answerTimeoutMs);
    }
    options.onOutput?.(text);
  });
  const result = await run;
  clearTimeout(timer);
  clearInterval(ticker);
  if (!result.failed) return;
  if (silence.signal.aborted) {
    throw new StackError(`${title}: no answer for ${answerTimeoutMs / 1000} s`);
  }
  throw new StackError(`${title} failed: ${failureOf(result.all) ?? result.shortMessage}`);
}

/** The first error that the program reports, with what follows it; the rest is its log. */
function failureOf(output: string): string | undefined {
  const lines = output.trimEnd().split('\n');
  const first = lines.findIndex((line) => /^(\[ERROR\]|ERROR:)/.test(line));
  if (first < 0) return lines.at(-1);
  return lines
    .slice(first)
    .filter((line) => /\w/.test(line.replace('[ERROR]', '')))
    .slice(0, MAX_ERROR_LINES)
    .join('\n');
}

const MAX_ERROR_LINES = 2;
