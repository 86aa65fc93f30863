import { checkCredentials } from '../../../../src/operate/doctor/check-temporal.ts';
import { createApiKeys } from '../../../support/api-keys.ts';

const DAY_MS = 86_400_000;
const TLS = { serverName: undefined, serverCa: undefined, client: undefined };
const keyFor = (days: number) => createApiKeys().issue(['default:write'], days * DAY_MS);

test.each([
  ['an API key that is valid for long', { apiKey: keyFor(60), tls: TLS }, ['ok']],
  ['an API key that expires soon', { apiKey: keyFor(3), tls: TLS }, ['warning']],
  ['an API key whose expiry is unknown', { apiKey: 'key', tls: TLS }, []],
  ['an API key without TLS', { apiKey: 'key', tls: undefined }, ['warning']],
  ['no credentials', { apiKey: undefined, tls: undefined }, []],
])('the doctor judges %s', (_, settings, states) => {
  expect(checkCredentials(settings, Date.now()).map(({ state }) => state)).toEqual(states);
});
