import './programs.ts';

await import('../fault/several-topics.test.ts');
