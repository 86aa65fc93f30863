import { productionPackages, readLock, type ProductionPackage } from './production-packages.ts';
import { ALLOWED_LICENSES, STATED_ELSEWHERE } from './allowed-licenses.ts';
import { runScript } from './stack/script.ts';

/** `npm run licenses`: lists the license of every package that is installed in production. */
await runScript(() => {
  const packages = productionPackages(readLock());
  for (const each of packages) console.log(`${licenseOf(each)}  ${each.name}@${each.version}`);
  const refused = packages.filter((each) => !ALLOWED_LICENSES.includes(licenseOf(each)));
  for (const each of refused) {
    console.error(
      `${each.name}@${each.version}: ${licenseOf(each)} is not in dev/allowed-licenses.ts`,
    );
  }
  console.log(
    `\n${packages.length} packages, ${refused.length} with a license that is not allowed`,
  );
  if (refused.length > 0) process.exitCode = 1;
  return Promise.resolve();
});

function licenseOf({ name, license }: ProductionPackage): string {
  return license ?? STATED_ELSEWHERE[name] ?? 'no license';
}
