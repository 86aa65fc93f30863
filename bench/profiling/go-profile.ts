import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { addStack, newFrame, type Frame } from './frame.ts';

/** Nanoseconds of CPU by what was called from where, from what Go's profiler answers. */
export function readGoProfile(answer: Buffer, title: string): Frame {
  const profile = Profile.decode(gunzipSync(answer));
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] ?? '';
  const functions = new Map(profile.function.map(({ id, name }) => [id, shortName(text(name))]));
  const locations = new Map(
    profile.location.map(({ id, line }) => [
      id,
      // Of what the compiler has inlined the innermost comes first.
      line.map(({ functionId }) => functions.get(functionId) ?? '').reverse(),
    ]),
  );
  const cpu = profile.sampleType.findIndex(({ type }) => text(type) === 'cpu');
  const root = newFrame(title);
  for (const { locationId, value } of profile.sample) {
    const stack = [...locationId].reverse().flatMap((id) => locations.get(id) ?? []);
    addStack(root, stack, Number(value[cpu]));
  }
  return root;
}

/** `history/workflow.(*MutableStateImpl).X` instead of a whole import path. */
const shortName = (name: string) => name.replace(/^.*\/([^/]+\/[^/]+)$/, '$1');
