import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { DIGEST_BYTES, DigestSet } from '../../../src/operate/dead-letters/digest-set.ts';

const digestOf = (text: string) => createHash('sha256').update(text).digest();

test('has what was added, and nothing else', () => {
  // Few different bytes, so that digests share their first bits and compete for slots.
  const digest = fc
    .uint8Array({ minLength: DIGEST_BYTES, maxLength: DIGEST_BYTES, max: 1 })
    .map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(digest), fc.array(digest), (added, others) => {
      const set = new DigestSet();
      for (const one of added) set.add(one);
      const texts = new Set(added.map((one) => one.toString('hex')));
      const zeros = '00'.repeat(DIGEST_BYTES);
      expect(set.size).toBe(texts.size);
      for (const one of added) expect(set.has(one)).toBe(true);
      for (const one of others) {
        const text = one.toString('hex');
        if (text === zeros || text === `01${zeros.slice(2)}`) continue;
        expect(set.has(one)).toBe(texts.has(text));
      }
    }),
  );
});

test('keeps all of them while it grows', () => {
  const set = new DigestSet();
  const count = 20_000;
  for (let n = 0; n < count; n += 1) set.add(digestOf(`there ${n}`));
  for (let n = 0; n < count; n += 1) set.add(digestOf(`there ${n}`));
  expect(set.size).toBe(count);
  const found = (word: string) =>
    Array.from({ length: count }, (_, n) => set.has(digestOf(`${word} ${n}`))).filter(Boolean);
  expect(found('there')).toHaveLength(count);
  expect(found('not there')).toHaveLength(0);
});
