import { mskIamTokens } from '../../../../src/kafka/connection/msk-iam-tokens.ts';
import { OperatorError } from '../../../../src/program/operator-error.ts';

test('each login gets a token that the signer makes for the region', async () => {
  const regions: string[] = [];
  const signer = {
    generateAuthToken: ({ region }: { region: string }) => {
      regions.push(region);
      return Promise.resolve({ token: `token-${regions.length}`, expiryTime: 0 });
    },
  };
  const tokens = mskIamTokens('eu-central-1', () => Promise.resolve(signer));
  expect(await tokens.token()).toBe('token-1');
  expect(await tokens.token()).toBe('token-2');
  expect(regions).toEqual(['eu-central-1', 'eu-central-1']);
});

test.each([
  [
    'a package that is not installed',
    () => Promise.reject(new Error('not found')),
    'PACKAGE_MISSING',
  ],
  ['a package of another version', () => Promise.resolve({}), 'PACKAGE_MISSING'],
  [
    'no credentials of AWS',
    () =>
      Promise.resolve({
        generateAuthToken: () => Promise.reject(new Error('Could not load credentials')),
      }),
    'KAFKA_TOKEN_UNAVAILABLE',
  ],
])('%s is an error with a code', async (_, load, code) => {
  const error: unknown = await mskIamTokens('eu-central-1', load)
    .token()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OperatorError);
  expect(error).toMatchObject({ code });
});

test('the package is not installed with order-ingest', async () => {
  await expect(mskIamTokens('eu-central-1').token()).rejects.toMatchObject({
    code: 'PACKAGE_MISSING',
  });
});
