import { tsImport } from 'tsx/esm/api';

/**
 * Builds dist/ and starts a stack of its own for the tests; its addresses are put into the
 * environment, where the tests find them. The stack is deleted afterwards.
 */
export default async function globalSetup() {
  const load = (file) => tsImport(`../../dev/${file}`, import.meta.url);
  const [{ build }, { startStack, stopStack }, { showSteps }] = await Promise.all([
    load('build.ts'),
    load('stack/stack.ts'),
    load('stack/show-steps.ts'),
  ]);
  const name = `test-${process.pid}`;
  globalThis.stopTestStack = () => stopStack(name);
  const [addresses] = await Promise.all([
    startStack({ name, ephemeral: true }, showSteps),
    build(),
  ]);
  Object.assign(process.env, addresses);
}
