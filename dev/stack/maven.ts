import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runDownload } from './run-download.ts';
import type { Report } from './service.ts';
import type { Tool } from './tool.ts';

export const MAVEN: Tool = {
  command: 'mvn',
  versionArgs: ['-v'],
  versionPattern: /Apache Maven (\d+\.\d+)/,
  atLeast: '3.6',
  name: 'Maven',
  install: 'Debian: apt-get install maven; macOS: brew install maven',
};

/**
 * Downloads packages with all their dependencies into the folder.
 *
 * @param packages such as `org.apache.kafka:kafka_2.13:4.1.1`
 */
export async function downloadJars(
  target: string,
  packages: readonly string[],
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  const pom = path.join(target, 'pom.xml');
  writeFileSync(pom, pomOf(packages));
  await runDownload(
    'mvn',
    ['-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`],
    {
      title: 'Maven',
      asks: /Downloading from /,
      isAnswered: /Downloaded from /,
      onOutput: (text) => {
        const jar = /Downloading from \S+: \S*\/(\S+)/.exec(text)?.[1];
        if (jar) report(jar);
      },
      signal,
    },
  );
}

/**
 * Downloads one file into the folder.
 *
 * @param artifact such as `group:name:version:tar.gz:classifier`
 */
export async function downloadArtifact(
  target: string,
  artifact: string,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  await runDownload(
    'mvn',
    ['-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${target}`],
    {
      title: 'Maven',
      asks: /Downloading from /,
      isAnswered: /Downloaded from /,
      onOutput: (text) => {
        const file = /Downloading from \S+: \S*\/(\S+)/.exec(text)?.[1];
        if (file) report(file);
      },
      signal,
    },
  );
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
