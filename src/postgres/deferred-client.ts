import pg from 'pg';

/**
 * A class for the `Client` option of `pg.Pool`, which constructs a client before it connects it. Which host to
 * connect to, and with which password and certificates, is known only then. Its instances therefore stand for
 * the client that `open` returns, and have no state of their own.
 */
export const deferredClient = (open: () => Promise<pg.Client>): typeof pg.Client =>
  new Proxy(pg.Client, { construct: () => standIn(open) });

function standIn(open: () => Promise<pg.Client>): pg.Client {
  // Never connected: the pool looks at it, for instance to end it, if it loses patience.
  let client = new pg.Client();
  const connect = (callback: (error: unknown) => void) => {
    open().then((opened) => {
      client = opened;
      callback(null);
    }, callback);
  };
  return new Proxy(client, {
    get: (_, key): unknown => (key === 'connect' ? connect : Reflect.get(client, key)),
    set: (_, key, value) => Reflect.set(client, key, value),
  });
}
