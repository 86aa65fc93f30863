// Loads the order modules that are named as arguments, one after another, and prints a line of JSON for each.
const { loadWithOrigin } = await import('../../src/order-module/load-order-module.ts');
for (const name of process.argv.slice(2)) {
  const result = await loadWithOrigin(name === 'BUILT-IN' ? undefined : name).then(
    ({ origin, orderModule }) => ({
      ...origin,
      identified: orderModule.identify({ id: 'A-1' }),
    }),
    ({ code, message, fix }) => ({ code, message, fix }),
  );
  console.log(JSON.stringify(result));
}
