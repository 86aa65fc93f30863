import './programs.ts';

await import('../e2e/priority.test.ts');
