import './programs.ts';

await import('../e2e/crashes.test.ts');
