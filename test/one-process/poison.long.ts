import './programs.ts';

await import('../e2e/poison.test.ts');
