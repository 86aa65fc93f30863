import { randomInt } from 'node:crypto';
import getPort from 'get-port';

const LOWEST = 10_000;
/** The system uses ports from here on for outgoing connections, so a free one may soon be taken. */
const FIRST_EPHEMERAL = 32_768;
/** More than enough: so many ports are never taken. */
const TO_TRY = 100;

/** A free port of 127.0.0.1, one of the preferred ports if possible. */
export const freePort = (
  options: {
    readonly preferred?: readonly number[];
    readonly exclude?: readonly number[];
    readonly highest?: number | undefined;
  } = {},
): Promise<number> => {
  const { preferred = [], exclude = [], highest = FIRST_EPHEMERAL - 1 } = options;
  const others = Array.from({ length: TO_TRY }, () => randomInt(LOWEST, highest + 1));
  return getPort({ host: '127.0.0.1', port: [...preferred, ...others], exclude });
};
