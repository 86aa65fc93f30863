import { shownText } from '../../config/given-value.ts';
import { sendRequest, type HttpTarget } from '../../http/http-client.ts';
import { describeError } from '../../program/operator-error.ts';

/** One of `done` and `error` is set. */
export interface ResumeResult {
  /** Its URL. */
  readonly bridge: string;
  /** What the bridge has done. */
  readonly done?: string;
  readonly error?: string;
}

export async function resumeBridge(target: HttpTarget, timeoutMs: number): Promise<ResumeResult> {
  const bridge = shownText(target.url);
  try {
    const { status, body } = await sendRequest('POST', '/resume', target, timeoutMs);
    const { done, error } = fieldsOf(body);
    return status === 200 && done !== undefined
      ? { bridge, done }
      : { bridge, error: `HTTP status ${status}${error === undefined ? '' : `: ${error}`}` };
  } catch (error) {
    return { bridge, error: describeError(error) };
  }
}

/** Of whatever answers at this address. */
function fieldsOf(body: string): { readonly done?: string; readonly error?: string } {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null) return {};
    return {
      ...('done' in value && typeof value.done === 'string' && { done: value.done }),
      ...('error' in value && typeof value.error === 'string' && { error: value.error }),
    };
  } catch {
    return {};
  }
}
