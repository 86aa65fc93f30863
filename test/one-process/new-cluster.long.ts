import './programs.ts';

await import('../fault/new-cluster.test.ts');
