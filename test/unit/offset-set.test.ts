import fc from 'fast-check';
import { OffsetSet } from '../../src/dead-letters/offset-set.ts';

test('has what was added, and nothing else', () => {
  const offset = fc.bigInt({ min: 0n, max: 2n ** 50n });
  fc.assert(
    fc.property(fc.array(offset), fc.array(offset), (added, others) => {
      const set = new OffsetSet();
      for (const one of added) set.add(one);
      for (const one of added) {
        expect(set.has(one)).toBe(true);
        expect(set.has(one + 1n)).toBe(added.includes(one + 1n));
      }
      for (const one of others) expect(set.has(one)).toBe(added.includes(one));
    }),
  );
});
