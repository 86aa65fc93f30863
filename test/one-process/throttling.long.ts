import './programs.ts';

await import('../e2e/throttling.test.ts');
