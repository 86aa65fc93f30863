import { payloadSettings } from '../config/payload-settings.ts';
import { readSettings, type Environment } from '../config/read-settings.ts';
import { EncryptionCodec } from './payload-codec.ts';
import { PayloadKeyRing } from './payload-keys.ts';

/** The codec with the keys that the settings name. Throws an OperatorError when they are invalid. */
export function openCodec(env: Environment): EncryptionCodec {
  const { keys, encryption } = readSettings({ payload: payloadSettings }, env).payload;
  return new EncryptionCodec(
    new PayloadKeyRing({ read: () => keys?.current(), encrypts: encryption === 'on' }),
  );
}
