import './programs.ts';

await import('../fault/dead-broker.test.ts');
