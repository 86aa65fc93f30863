import { randomInt } from 'node:crypto';
import getPort from 'get-port';

const LOWEST = 10_000;
/** From here on the system gives ports to outgoing connections: one that is free now may not be soon. */
const FIRST_EPHEMERAL = 32_768;
/** That as many are taken does not happen. */
const TO_TRY = 100;

/** A port of 127.0.0.1 that is free, one of the preferred if possible. */
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
