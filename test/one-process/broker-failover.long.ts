import './programs.ts';

await import('../fault/broker-failover.test.ts');
