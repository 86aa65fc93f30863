import './programs.ts';

await import('../e2e/what-happens-to-a-message.test.ts');
