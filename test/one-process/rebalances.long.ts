import './programs.ts';

await import('../fault/rebalances.test.ts');
