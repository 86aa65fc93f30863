/** The forms in which a text may show up in an output, each as it would be found there. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    ...new Set([
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      bytes.toString('hex'),
      ...base64Forms(bytes, 'base64'),
      ...base64Forms(bytes, 'base64url'),
    ]),
  ];
}

/** Whatever stands before it, as in `user:password`: the characters that depend on the secret alone. */
const base64Forms = (bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] =>
  [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .slice(before === 0 ? 0 : 4, Math.floor(((before + bytes.length) * 8) / 6)),
  );
