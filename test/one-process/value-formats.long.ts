import './programs.ts';

await import('../e2e/value-formats.test.ts');
