/** One header of a record. Kafka allows any number of them, in any order, also several with the same name. */
export interface RecordHeader {
  /** Bytes if they are not valid UTF-8, which other clients can write. */
  readonly name: string | Buffer;
  readonly value: string | Buffer | null;
}

type HeaderValue = Buffer | string | null;

/** Headers by name, as kafkajs passes them to consumers: a list where a name occurs more than once. */
export type HeadersByName = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>;

/** The headers from which an object of headers by name was decoded. */
const decoded = new WeakMap<HeadersByName, readonly RecordHeader[]>();

/** Keeps what is lost in headers by name: their order, and names that are not UTF-8. */
export function rememberOrder(byName: HeadersByName, headers: readonly RecordHeader[]): void {
  decoded.set(byName, headers);
}

/** The headers of a message in their order, as the broker has them. */
export function recordHeaders(headers: HeadersByName = {}): readonly RecordHeader[] {
  return (
    decoded.get(headers) ??
    Object.entries(headers).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value ?? null]).map((one) => ({ name, value: one })),
    )
  );
}
