import './programs.ts';

await import('../e2e/broker-outage.test.ts');
