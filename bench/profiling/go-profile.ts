import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { addStack, newFrame, type Frame } from './frame.ts';

/** Reads the nanoseconds of CPU time in each call stack from a response of Go's profiler. */
export function readGoProfile(answer: Buffer, title: string): Frame {
  const profile = Profile.decode(gunzipSync(answer));
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] ?? '';
  const functions = new Map(profile.function.map(({ id, name }) => [id, shortName(text(name))]));
  const locations = new Map(
    profile.location.map(({ id, line }) => [
      id,
      // The innermost of several inlined functions comes first.
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
