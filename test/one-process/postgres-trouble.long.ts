import './programs.ts';

await import('../fault/postgres-trouble.test.ts');
