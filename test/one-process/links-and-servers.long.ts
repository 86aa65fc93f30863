import './programs.ts';

await import('../fault/links-and-servers.long.ts');
