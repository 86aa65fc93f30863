import './programs.ts';

await import('../fault/bridge-crashes.test.ts');
