import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { DIGEST_BYTES, DigestSet } from '../../../src/operate/dead-letters/digest-set.ts';

const digestOf = (text: string) => createHash('sha256').update(text).digest();

test('contains what was added, and nothing else', () => {
  // Few different bytes, so that digests share their first bits and collide.
  const digest = fc
    .uint8Array({ minLength: DIGEST_BYTES, maxLength: DIGEST_BYTES, max: 1 })
    .map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(digest), fc.array(digest), (added, others) => {
      const set = new DigestSet();
      for (const each of added) set.add(each);
      const texts = new Set(added.map((each) => each.toString('hex')));
      const zeros = '00'.repeat(DIGEST_BYTES);
      expect(set.size).toBe(texts.size);
      for (const each of added) expect(set.has(each)).toBe(true);
      for (const each of others) {
        const text = each.toString('hex');
        // The digest of zeros is stored as this other one.
        if (text === zeros || text === `01${zeros.slice(2)}`) continue;
        expect(set.has(each)).toBe(texts.has(text));
      }
    }),
  );
});

test('keeps all digests while it grows', () => {
  const set = new DigestSet();
  const count = 20_000;
  for (let n = 0; n < count; n += 1) set.add(digestOf(`added ${n}`));
  for (let n = 0; n < count; n += 1) set.add(digestOf(`added ${n}`));
  expect(set.size).toBe(count);
  const found = (word: string) =>
    Array.from({ length: count }, (_, n) => set.has(digestOf(`${word} ${n}`))).filter(Boolean);
  expect(found('added')).toHaveLength(count);
  expect(found('not added')).toHaveLength(0);
});
