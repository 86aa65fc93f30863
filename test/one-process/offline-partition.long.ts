import './programs.ts';

await import('../fault/offline-partition.test.ts');
