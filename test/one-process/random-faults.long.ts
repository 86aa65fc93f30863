import './programs.ts';

await import('../fault/random-faults.test.ts');
