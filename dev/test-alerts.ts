import path from 'node:path';
import { execa } from 'execa';
import { findPromtool } from './alerts/promtool.ts';
import { PROJECT_DIR } from './stack/places.ts';
import { runScript } from './stack/script.ts';

/** Checks the alert rules in deploy/prometheus and runs their tests. */
await runScript(async () => {
  const promtool = await findPromtool();
  const cwd = path.join(PROJECT_DIR, 'deploy/prometheus');
  for (const args of [
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { exitCode } = await execa(promtool, args, { cwd, stdio: 'inherit', reject: false });
    if (exitCode !== 0) process.exitCode = 1;
  }
});
