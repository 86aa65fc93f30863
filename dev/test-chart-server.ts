import { readdirSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { startApiServer } from './chart/api-server.ts';
import { CHART } from './chart/chart-files.ts';
import { findHelm } from './chart/helm.ts';
import { customResourceDefinitions } from './chart/kubernetes-schemas.ts';
import { PROJECT_DIR } from './stack/places.ts';
import { runInterruptibly } from './stack/script.ts';

/**
 * Tests the Helm chart against a real API server, which finds what schemas cannot, such as a changed selector. Needs
 * kubectl, and Go or a cached build. The namespace enforces the restricted Pod Security Standard.
 */
await runInterruptibly(async (ending) => {
  const helm = await findHelm();
  const server = await startApiServer(ending);
  const values = readdirSync(path.join(PROJECT_DIR, CHART, 'ci'));
  try {
    const env = { KUBECONFIG: server.kubeconfig };
    const run = async (command: string, args: readonly string[], input?: string) => {
      ending.throwIfAborted();
      const { all, exitCode } = await execa(command, args, {
        cwd: path.join(PROJECT_DIR, CHART),
        env,
        reject: false,
        all: true,
        cancelSignal: ending,
        ...(input === undefined ? {} : { input }),
      });
      const warnings = all.split('\n').filter((line) => /warning/i.test(line));
      if (exitCode !== 0 || warnings.length > 0) {
        console.error(`${command} ${args.join(' ')}:\n${all}`);
        process.exitCode = 1;
      }
      return all;
    };
    await run('kubectl', ['create', 'priorityclass', 'orders', '--value=1000']);
    await run('kubectl', ['create', 'namespace', 'orders']);
    const standard = ['enforce', 'warn'].map(
      (mode) => `pod-security.kubernetes.io/${mode}=restricted`,
    );
    await run('kubectl', ['label', 'namespace', 'orders', ...standard]);
    for (const file of await customResourceDefinitions(PROJECT_DIR)) {
      await run('kubectl', ['apply', '--server-side', '--filename', file]);
    }
    await run('kubectl', ['wait', '--for=condition=Established', '--all', 'crd', '--timeout=60s']);

    const release = ['shop', '.', '--namespace', 'orders'];
    for (const file of values) {
      const rendered = await execa(helm, ['template', ...release, '--values', `ci/${file}`], {
        cwd: path.join(PROJECT_DIR, CHART),
      });
      await run('kubectl', ['apply', '--dry-run=server', '--filename', '-'], rendered.stdout);
      console.log(`${file}: accepted`);
    }
    // Nothing runs the Jobs of the hooks.
    await run(helm, ['install', ...release, '--no-hooks', '--values', 'ci/default-values.yaml']);
    for (const file of [...values, 'default-values.yaml']) {
      await run(helm, ['upgrade', ...release, '--no-hooks', '--values', `ci/${file}`]);
      console.log(`upgraded to ${file}`);
    }
    await run(helm, ['rollback', 'shop', '2', '--namespace', 'orders', '--no-hooks']);
    await run(helm, ['uninstall', 'shop', '--namespace', 'orders', '--no-hooks']);
  } finally {
    await server.stop();
  }
});
