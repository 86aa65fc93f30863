import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { untar } from './download.ts';
import { JAVA, QUICK_START } from './java.ts';
import { downloadArtifact, MAVEN } from './maven.ts';
import { CACHE_DIR } from './places.ts';
import { port, type LocalService } from './service.ts';
import { checkSources, install, type Source } from './sources.ts';
import { allOrStackError, StackError } from './stack-error.ts';
import { checkTool, requireTool } from './tool.ts';

/** Apicurio Registry, which has the REST API of Confluent's schema registry. Its data are on disk. */
export const schemaRegistry: LocalService = {
  name: 'schema-registry',
  title: 'Schema registry',
  usualPorts: { http: 8081 },
  stopSignal: 'SIGTERM',

  async check() {
    await allOrStackError([
      requireTool(JAVA, REGISTRY, OTHER_WAYS),
      checkSources(REGISTRY, [mavenCentral], OTHER_WAYS),
    ]);
  },

  prepare: (progress) => install(REGISTRY, [mavenCentral], OTHER_WAYS, progress),

  configure({ places }, ports, installed) {
    const dir = path.join(places.dir, 'schema-registry');
    mkdirSync(dir, { recursive: true });
    return Promise.resolve({
      command: 'java',
      args: [
        // It is used by one person or a test: memory and start count, not throughput.
        ...['-Xmx256m', ...QUICK_START],
        `-Dquarkus.http.host=127.0.0.1`,
        `-Dquarkus.http.port=${port(ports, 'http')}`,
        // Without a delay, a schema is on disk when its ID has been returned.
        `-Dapicurio.datasource.url=jdbc:h2:file:${path.join(dir, 'registry')};WRITE_DELAY=0`,
        '-Dquarkus.log.level=WARN',
        ...['-jar', path.join(installed.folder, RUNNER)],
      ],
      cwd: dir,
    });
  },

  async probe(ports) {
    const response = await fetch(`${schemaRegistryUrl(port(ports, 'http'))}/subjects`, {
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  },

  deleteData: () => Promise.resolve(),
};

export const schemaRegistryUrl = (httpPort: number | undefined): string =>
  `http://127.0.0.1:${httpPort}/apis/ccompat/v7`;

const REGISTRY = 'A schema registry';
const OTHER_WAYS = ['a running schema registry: set SCHEMA_REGISTRY_URL'];

/** The latest version on Maven Central that runs on Java 17, as Kafka does; 3.3 needs Java 21. */
const VERSION = '3.0.9';
const RUNNER = `apicurio-registry-app-${VERSION}-runner.jar`;

const mavenCentral: Source = {
  name: `Apicurio ${VERSION} from Maven`,
  howTo: `Maven: ${MAVEN.install}`,
  folder: path.join(CACHE_DIR, `apicurio-${VERSION}`),
  check: () => checkTool(MAVEN),
  async fetch(folder, report, signal) {
    const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
    await downloadArtifact(folder, artifact, report, signal);
    const archive = path.join(folder, `apicurio-registry-app-${VERSION}-all.tar.gz`);
    await untar(archive, folder, []);
    rmSync(archive);
    if (!existsSync(path.join(folder, RUNNER))) throw new StackError(`${RUNNER} is missing`);
  },
};
