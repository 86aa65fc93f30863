import type { Tool } from './tool.ts';

export const JAVA: Tool = {
  command: 'java',
  versionArgs: ['-version'],
  versionPattern: /version "(\d+)/,
  atLeast: '17',
  name: 'Java',
  install: 'Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17',
};
