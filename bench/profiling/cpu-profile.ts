import { addStack, newFrame, type Frame } from './frame.ts';

/** The part of V8's CPU profile that is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Frames of idle time. */
const IDLE = ['(idle)', '(program)', '(root)'];

/** Reads the microseconds spent in each call stack. */
export function readCpuProfile(text: string, title: string): Frame {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as CpuProfile;
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((c) => [c, id])));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const stackOf = (id: number): string[] => {
    const stack: string[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      stack.unshift(names.get(at) ?? '');
    }
    return stack.slice(1);
  };
  const root = newFrame(title);
  samples.forEach((id, index) => {
    if (!IDLE.includes(names.get(id) ?? '')) addStack(root, stackOf(id), timeDeltas[index] ?? 0);
  });
  return root;
}

/** The function with its package or file, without the path on this machine. */
function nameOf({ functionName, url }: { functionName: string; url: string }): string {
  const name = functionName || '(anonymous)';
  const place =
    /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ??
    /(?:dist|src|bench)\/(.+)$/.exec(url)?.[1] ??
    (url.startsWith('node:') ? url : undefined);
  return place === undefined ? name : `${name} · ${place}`;
}
