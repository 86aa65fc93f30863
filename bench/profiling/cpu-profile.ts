import { addStack, newFrame, type Frame } from './frame.ts';

/** What V8 writes at the end of `node --cpu-prof`: the part of it that is read here. */
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

/** When nothing was at work. */
const IDLE = ['(idle)', '(program)', '(root)'];

/** Microseconds at work, by what was called from where. */
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

/** With the package or the file that it is in, and nothing of where on the machine that lies. */
function nameOf({ functionName, url }: { functionName: string; url: string }): string {
  const name = functionName || '(anonymous)';
  const place =
    /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ??
    /(?:dist|src|bench)\/(.+)$/.exec(url)?.[1] ??
    (url.startsWith('node:') ? url : undefined);
  return place === undefined ? name : `${name} · ${place}`;
}
