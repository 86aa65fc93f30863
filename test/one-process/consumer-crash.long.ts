import './programs.ts';

await import('../fault/consumer-crash.long.ts');
