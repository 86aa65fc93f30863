import './programs.ts';

await import('../e2e/shared-group.test.ts');
