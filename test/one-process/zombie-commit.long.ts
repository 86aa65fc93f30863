import './programs.ts';

await import('../fault/zombie-commit.test.ts');
