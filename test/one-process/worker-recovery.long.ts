import './programs.ts';

await import('../e2e/worker-recovery.test.ts');
