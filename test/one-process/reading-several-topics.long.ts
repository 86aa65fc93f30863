import './programs.ts';

await import('../e2e/several-topics.test.ts');
