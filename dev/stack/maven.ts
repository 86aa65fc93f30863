import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Report } from './service.ts';
import { StackError } from './stack-error.ts';
import { requireTool } from './tool.ts';

/** Throws a StackError with instructions if Maven is missing. */
export const requireMaven = (use: { neededFor: string; instead: string }): Promise<void> =>
  requireTool({
    command: 'mvn',
    versionArgs: ['-v'],
    versionPattern: /Apache Maven (\d+\.\d+)/,
    atLeast: '3.6',
    name: 'Maven',
    install: 'Debian: apt-get install maven; macOS: brew install maven',
    ...use,
  });

/**
 * Downloads packages with all their dependencies into the folder.
 *
 * @param packages such as `org.apache.kafka:kafka_2.13:4.1.1`
 */
export async function downloadJars(
  target: string,
  packages: readonly string[],
  report: Report,
): Promise<void> {
  const pom = path.join(target, 'pom.xml');
  writeFileSync(pom, pomOf(packages));
  const download = execa(
    'mvn',
    ['-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`],
    { reject: false, all: true },
  );
  download.all.on('data', (chunk: Buffer) => {
    const jar = /Downloading from \S+: \S*\/(\S+)/.exec(chunk.toString())?.[1];
    if (jar) report(jar);
  });
  const result = await download;
  if (result.failed) {
    throw new StackError(
      `Maven could not download ${packages.join(', ')} (${result.shortMessage}):\n${result.all.split('\n').slice(-15).join('\n')}`,
    );
  }
}

const pomOf = (packages: readonly string[]) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>order-ingest</groupId><artifactId>downloads</artifactId><version>1</version>
  <dependencies>
${packages.map(dependency).join('\n')}
  </dependencies>
</project>
`;

function dependency(name: string): string {
  const [group, artifact, version] = name.split(':');
  return `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
}
