import './programs.ts';

await import('../e2e/your-orders.test.ts');
