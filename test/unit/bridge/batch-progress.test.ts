import fc from 'fast-check';
import { BatchProgress } from '../../../src/bridge/batch-progress.ts';

describe("a partition's progress", () => {
  test('never passes an unfinished message, in whatever order the others finish', () => {
    const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(offsets, fc.infiniteStream(fc.nat()), (unsorted, random) => {
        const batch = [...unsorted].sort((a, b) => a - b);
        const last = (batch.at(-1) ?? 0) + 2;
        const progress = new BatchProgress(batch.map(String), String(last));
        const open = new Set(batch.keys());
        let before = -1;
        for (const pick of random) {
          const next = progress.nextOffset();
          const firstOpen = Math.min(...[...open].map((index) => batch[index] ?? 0));
          if (next !== undefined) {
            expect(Number(next)).toBe(open.size > 0 ? firstOpen : last + 1);
            expect(Number(next)).toBeGreaterThanOrEqual(before);
            before = Number(next);
          } else {
            expect(open.has(0)).toBe(true);
          }
          const index = [...open][pick % Math.max(1, open.size)];
          if (index === undefined) break;
          open.delete(index);
          progress.finish(index);
        }
        expect(progress.nextOffset()).toBe(BigInt(last + 1));
      }),
    );
  });

  test('passes offsets without a visible message once everything before them is finished', () => {
    const progress = new BatchProgress(['10', '13'], '15');
    expect(progress.nextOffset()).toBeUndefined();
    progress.finish(0);
    expect(progress.nextOffset()).toBe(13n);
    progress.finish(1);
    expect(progress.nextOffset()).toBe(16n);
  });
});
