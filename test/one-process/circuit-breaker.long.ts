import './programs.ts';

await import('../e2e/circuit-breaker.test.ts');
