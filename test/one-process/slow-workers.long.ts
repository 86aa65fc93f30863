import './programs.ts';

await import('../e2e/slow-workers.test.ts');
