/** A function called from its parent frame, with the time in it and in everything it called. */
export interface Frame {
  readonly name: string;
  /** In the profile's own unit. */
  total: number;
  readonly children: Map<string, Frame>;
}

export const newFrame = (name: string): Frame => ({ name, total: 0, children: new Map() });

/** Adds a sample. @param stack from the outermost function to the one that was running */
export function addStack(root: Frame, stack: readonly string[], value: number): void {
  let frame = root;
  frame.total += value;
  for (const name of stack) {
    let child = frame.children.get(name);
    if (!child) frame.children.set(name, (child = newFrame(name)));
    child.total += value;
    frame = child;
  }
}

/** The share of the total time in each function itself, largest first. */
export function selfTimes(root: Frame): readonly { name: string; share: number }[] {
  const times = new Map<string, number>();
  const visit = (frame: Frame) => {
    const children = [...frame.children.values()];
    const self = frame.total - children.reduce((sum, { total }) => sum + total, 0);
    times.set(frame.name, (times.get(frame.name) ?? 0) + self);
    children.forEach(visit);
  };
  visit(root);
  return [...times]
    .map(([name, time]) => ({ name, share: time / root.total }))
    .sort((a, b) => b.share - a.share);
}
