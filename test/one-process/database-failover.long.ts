import './programs.ts';

await import('../e2e/database-failover.test.ts');
