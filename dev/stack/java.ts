import type { Tool } from './tool.ts';

/** For a program that runs briefly or with little load: less CPU time to start, less throughput. */
export const QUICK_START = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export const JAVA: Tool = {
  command: 'java',
  versionArgs: ['-version'],
  versionPattern: /version "(\d+)/,
  atLeast: '17',
  name: 'Java',
  install: 'Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17',
};
