import protobuf from 'protobufjs';
import descriptor, {
  type IDescriptorContext,
  type IDescriptorProto,
  type IFileDescriptorProto,
} from 'protobufjs/ext/descriptor.js';
import type { RegisteredSchema } from '../schema-registry/schema-registry.ts';
import { commonFile } from './common-files.ts';

/** A message type of a file, with those nested in it in the order of the file. */
interface MessageName {
  readonly name: string;
  readonly nested: readonly MessageName[];
}

export interface ProtobufSchema {
  /**
   * The message type at these indexes, the first of which counts the types of the file, the next those nested in it,
   * and so on. Undefined if there is none.
   */
  messageAt(indexes: readonly number[]): protobuf.Type | undefined;
}

/**
 * Reads a schema with the files that it imports. Throws an error for one that cannot be parsed, or that uses a
 * type that is in none of them. Files that are imported for their options only need not be there.
 */
export function readProtobufSchema({ text, references }: RegisteredSchema): ProtobufSchema {
  const root = new protobuf.Root();
  const added = new Set(references.map(({ name }) => name));
  const imports = references.flatMap((reference) => addFile(root, reference.text).imports);
  const main = addFile(root, text);
  addCommonFiles(root, [...imports, ...main.imports], added);
  root.resolveAll();
  return {
    messageAt(indexes) {
      const path = pathTo(indexes, main.messages);
      return path && root.lookupType([...(main.packageName?.split('.') ?? []), ...path]);
    },
  };
}

interface AddedFile {
  readonly packageName: string | undefined;
  readonly messages: readonly MessageName[];
  readonly imports: readonly string[];
}

/** Registries return the source text of a file, or what Python's client registers: its descriptor in Base64. */
function addFile(root: protobuf.Root, text: string): AddedFile {
  // A source file has at least a brace or a semicolon.
  return /^[A-Za-z0-9+/=\s]+$/.test(text)
    ? addDescriptor(root, Buffer.from(text, 'base64'))
    : addSource(root, text);
}

const KEEP_NAMES = { keepCase: true };

function addSource(root: protobuf.Root, text: string): AddedFile {
  const { imports = [], weakImports = [] } = protobuf.parse(text, root, KEEP_NAMES);
  // Parsed again alone: another file may have types in the same package.
  const alone = protobuf.parse(text, new protobuf.Root(), KEEP_NAMES);
  const scope = alone.package === undefined ? alone.root : alone.root.lookup(alone.package);
  return {
    packageName: alone.package,
    messages: scope instanceof protobuf.Namespace ? messagesIn(scope) : [],
    imports: [...imports, ...weakImports],
  };
}

const messagesIn = (scope: Pick<protobuf.Namespace, 'nestedArray'>): readonly MessageName[] =>
  scope.nestedArray
    .filter((nested) => nested instanceof protobuf.Type)
    .map((type) => ({ name: type.name, nested: messagesIn(type) }));

/** Services and extensions are left out: no message is decoded by them. */
function addDescriptor(root: protobuf.Root, bytes: Buffer): AddedFile {
  const file = descriptor.FileDescriptorProto.toObject(
    descriptor.FileDescriptorProto.decode(bytes),
  ) as FileDescriptor;
  const scope = file.package ? root.define(file.package) : root;
  const features = file.options?.features;
  const context = { edition: editionOf(file), ...(features && { features }), ...KEEP_NAMES };
  for (const message of file.messageType ?? []) {
    scope.add(protobuf.Type.fromDescriptor(message, context));
  }
  for (const enumType of file.enumType ?? []) {
    scope.add(protobuf.Enum.fromDescriptor(enumType, context));
  }
  return {
    packageName: file.package,
    messages: (file.messageType ?? []).map(messageName),
    imports: file.dependency ?? [],
  };
}

/** The part of `FileDescriptorProto` that is used; the types of protobufjs lack some of it. */
type FileDescriptor = Pick<
  IFileDescriptorProto,
  'package' | 'messageType' | 'enumType' | 'syntax' | 'edition'
> & {
  readonly dependency?: readonly string[];
  readonly options?: { readonly features?: IDescriptorContext['features'] };
};

/** The entries of a map are a nested type, which counts. */
const messageName = ({ name, nestedType = [] }: IDescriptorProto): MessageName => ({
  name: name ?? '',
  nested: nestedType.map(messageName),
});

/** `Edition` in descriptor.proto: 1000 and later are named after the year. */
const EDITIONS: Readonly<Record<number, string>> = { 1000: '2023', 1001: '2024' };

function editionOf({ syntax, edition }: FileDescriptor): string {
  if (syntax !== 'editions') return syntax === 'proto3' ? 'proto3' : 'proto2';
  const name = EDITIONS[Number(edition)];
  if (name === undefined) throw new Error(`edition ${String(edition)} is not supported`);
  return name;
}

/** Adds the files that are imported, and that every client brings along, unless they were registered. */
function addCommonFiles(root: protobuf.Root, imports: readonly string[], added: Set<string>): void {
  for (const path of imports) {
    if (added.has(path)) continue;
    added.add(path);
    const known = protobuf.common.get(path);
    if (known?.nested) {
      root.addJSON(known.nested);
      continue;
    }
    const text = commonFile(path);
    if (text !== undefined) {
      addCommonFiles(root, protobuf.parse(text, root, KEEP_NAMES).imports ?? [], added);
    }
  }
}

function pathTo(
  indexes: readonly number[],
  messages: readonly MessageName[],
): readonly string[] | undefined {
  const [index, ...rest] = indexes;
  if (index === undefined) return [];
  const message = messages[index];
  const path = message && pathTo(rest, message.nested);
  return path && [message.name, ...path];
}
