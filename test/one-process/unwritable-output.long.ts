import './programs.ts';

await import('../e2e/unwritable-output.test.ts');
