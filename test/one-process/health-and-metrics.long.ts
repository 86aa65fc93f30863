import './programs.ts';

await import('../e2e/health-and-metrics.test.ts');
