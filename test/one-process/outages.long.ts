import './programs.ts';

await import('../e2e/outages.test.ts');
