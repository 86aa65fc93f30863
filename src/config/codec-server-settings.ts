import { z } from 'zod';
import { bridgeSettings } from './bridge-settings.ts';
import { integer, settingGroup, text } from './setting.ts';

const originList = z
  .string()
  .transform((value) => value.split(',').map((origin) => origin.trim().replace(/\/$/, '')))
  .refine((origins) => origins.every(isOrigin), {
    error: 'expected origins such as https://temporal.example.com, separated by commas',
  });

const isOrigin = (text: string): boolean =>
  /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;

/** The server that encodes and decodes payloads for the Temporal Web UI and the `temporal` command. */
export const codecServerSettings = settingGroup({
  host: {
    name: 'CODEC_SERVER_HOST',
    schema: text,
    default: '127.0.0.1',
    description:
      'Address on which the codec server listens. Any other than that of this host alone requires `CODEC_SERVER_TOKEN`.',
  },
  port: {
    name: 'CODEC_SERVER_PORT',
    schema: integer(0, 65_535),
    default: '9466',
    description: 'Port of the codec server. 0 opens any free port, which the log names.',
  },
  origins: {
    name: 'CODEC_SERVER_ORIGINS',
    schema: originList,
    optional: true,
    unsetMeans: 'the origin of `TEMPORAL_UI`',
    description:
      'Origins of web pages that may use the codec server (CORS), separated by commas: those of the Temporal Web UI. Requests of other pages are refused.',
  },
  token: {
    name: 'CODEC_SERVER_TOKEN',
    schema: bridgeSettings.httpToken.schema,
    optional: true,
    secret: true,
    unsetMeans: 'everyone on this host may decode',
    description:
      'Token that clients send as `authorization: Bearer TOKEN`, or that a person enters at `/login`, for instance from `openssl rand -hex 32`.',
  },
  tlsCertFile: {
    name: 'CODEC_SERVER_TLS_CERT_FILE',
    schema: text,
    optional: true,
    unsetMeans: 'no TLS',
    description:
      'PEM file of the certificate of the codec server, followed by those of intermediate authorities. It enables TLS. A renewed file is used within 10 s.',
  },
  tlsKeyFile: {
    name: 'CODEC_SERVER_TLS_KEY_FILE',
    schema: text,
    optional: true,
    description: 'PEM file of the private key of this certificate, without a passphrase.',
  },
});
