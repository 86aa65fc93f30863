import './programs.ts';

await import('../fault/broker-trouble.test.ts');
