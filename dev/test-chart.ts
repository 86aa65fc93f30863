import { execa } from 'execa';
import { findPromtool } from './alerts/promtool.ts';
import { findHelm } from './chart/helm.ts';
import { findKubeconform } from './chart/kubeconform.ts';
import { findKubernetesSchemas } from './chart/kubernetes-schemas.ts';
import { PROJECT_DIR } from './stack/places.ts';
import { runScript } from './stack/script.ts';

/** Tests the Helm chart. The arguments are those of `npm test`. */
await runScript(async () => {
  const tools = {
    HELM: await findHelm(),
    KUBECONFORM: await findKubeconform(),
    KUBERNETES_SCHEMAS: await findKubernetesSchemas(),
    PROMTOOL: await findPromtool(),
  };
  const { exitCode } = await execa(
    'npx',
    ['jest', '--config', 'jest.chart.config.mjs', ...process.argv.slice(2)],
    {
      cwd: PROJECT_DIR,
      stdio: 'inherit',
      reject: false,
      env: {
        ...tools,
        NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      },
    },
  );
  process.exitCode = exitCode ?? 1;
});
