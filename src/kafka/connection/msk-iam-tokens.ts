import { z } from 'zod';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import type { TokenSource } from './oauth-tokens.ts';

/** Amazon's package, which signs tokens for MSK. It brings the AWS SDK, so only those who use MSK install it. */
const SIGNER = 'aws-msk-iam-sasl-signer-js';

const signerModule = z.object({
  generateAuthToken: z.custom<
    (options: { readonly region: string }) => Promise<{ readonly token: string }>
  >((value) => typeof value === 'function'),
});

/**
 * Tokens for Amazon MSK with IAM. The signer finds the credentials as the AWS SDK does, and renews those of
 * a role. Signing needs no request, so each login has a token of its own.
 *
 * @param load imports the signer
 */
export function mskIamTokens(
  region: string | undefined,
  load: () => Promise<unknown> = () => import(SIGNER),
): TokenSource {
  return {
    async token() {
      const { generateAuthToken } = await loadSigner(load);
      try {
        return (await generateAuthToken({ region: regionOf(region) })).token;
      } catch (error) {
        if (error instanceof OperatorError) throw error;
        throw new OperatorError(
          'KAFKA_TOKEN_UNAVAILABLE',
          `No token for Amazon MSK could be signed: ${describeError(error)}`,
          'give the process credentials that the AWS SDK finds, for instance a role of its container or of its instance',
          { cause: error },
        );
      }
    },
    reject: () => undefined,
  };
}

async function loadSigner(load: () => Promise<unknown>): Promise<z.output<typeof signerModule>> {
  try {
    return signerModule.parse(await load());
  } catch (error) {
    throw new OperatorError(
      'PACKAGE_MISSING',
      `KAFKA_SASL_MECHANISM=aws-msk-iam needs the package ${SIGNER}, which cannot be loaded`,
      `install it beside order-ingest: npm install ${SIGNER}`,
      { cause: error },
    );
  }
}

/** Importing a module does nothing, so the environment is read when a token is needed. */
function regionOf(region: string | undefined): string {
  const found = region ?? process.env['AWS_REGION'];
  if (found) return found;
  throw new OperatorError(
    'SETTINGS_INVALID',
    'KAFKA_SASL_MECHANISM=aws-msk-iam needs the region of the cluster',
    'set KAFKA_SASL_AWS_REGION or AWS_REGION',
  );
}
