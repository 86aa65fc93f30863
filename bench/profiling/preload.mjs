import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import path from 'node:path';
import { threadId } from 'node:worker_threads';

// Preloaded by `node --import` into a process and each of its threads. Writes a CPU profile on exit, as
// `--cpu-prof` does, which Node 20 does not allow in NODE_OPTIONS.
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.start');
process.on('exit', () => {
  session.post('Profiler.stop', (error, { profile }) => {
    if (error) throw error;
    const file = `${process.pid}-${threadId}.cpuprofile`;
    writeFileSync(path.join(process.env['PROFILE_DIR'] ?? '.', file), JSON.stringify(profile));
  });
});
