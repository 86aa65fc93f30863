import type { Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import proto from '@temporalio/proto';
import pRetry from 'p-retry';
import { OperatorError } from '../program/operator-error.ts';
import { SEARCH_ATTRIBUTES } from '../contract/workflow-metadata.ts';
import { grpcErrorOf, hasCode } from './temporal-error.ts';

interface SearchAttribute {
  readonly name: string;
  readonly type: 'KEYWORD' | 'INT';
}

const { IndexedValueType } = proto.temporal.api.enums.v1;

/**
 * Throws an OperatorError when a search attribute is missing or has another type, because Temporal would
 * reject every start. Returns `unknown` when the caller has no permission to find out.
 */
export async function checkSearchAttributes(client: Client): Promise<'present' | 'unknown'> {
  const state = await readSearchAttributes(client);
  const problem = problemOf(state, client.options.namespace);
  if (problem) throw problem;
  return state.isKnown ? 'present' : 'unknown';
}

/** Polls for half a minute until the server knows new attributes. */
const UNTIL_KNOWN = { factor: 1, minTimeout: 100, retries: 300 };

/**
 * Adds the search attributes that the namespace lacks, waits up to half a minute until the server
 * accepts them in queries, and returns their names. Throws an OperatorError when they cannot be added:
 * one exists with another type, the namespace has no room, or the caller has no permission.
 */
export async function addSearchAttributes(client: Client): Promise<readonly string[]> {
  const { namespace } = client.options;
  const state = await readSearchAttributes(client);
  const problem = problemOf(state, namespace);
  if (!problem) {
    if (state.isKnown) return [];
    throw new OperatorError(
      'SEARCH_ATTRIBUTES_UNKNOWN',
      `These credentials have no permission to find out whether Temporal's namespace "${namespace}" has the search attributes ${namesOf(SEARCH_ATTRIBUTES)}`,
      "check the namespace's settings; in Temporal Cloud they are in the UI",
    );
  }
  if (!state.mayAdd || state.mistyped.length > 0 || state.full.length > 0) throw problem;
  try {
    await client.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        state.missing.map(({ name, type }) => [
          name,
          IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
        ]),
      ),
    });
  } catch (error) {
    if (isDenied(error)) {
      throw problemOf({ ...state, mayAdd: false }, namespace) ?? error;
    }
    const reason = grpcErrorOf(error)?.details ?? '';
    if (!reason.includes('cannot have more than')) throw error;
    throw new OperatorError(
      'SEARCH_ATTRIBUTES_FULL',
      `Temporal's namespace "${namespace}" has no room for the search attributes ${namesOf(state.missing)}: ${reason}`,
      `remove unused ones (\`temporal operator search-attribute remove --namespace ${namespace} --name NAME\`), or set TEMPORAL_NAMESPACE to a namespace that only order-ingest uses`,
      { cause: error },
    );
  }
  const query = state.missing.map(({ name }) => `${name} IS NOT NULL`).join(' AND ');
  await pRetry(() => client.workflowService.countWorkflowExecutions({ namespace, query }), {
    ...UNTIL_KNOWN,
    shouldRetry: ({ error }) => hasCode(error, status.INVALID_ARGUMENT),
  }).catch((error: unknown) => {
    if (!isDenied(error)) throw error;
  });
  return state.missing.map(({ name }) => name);
}

/**
 * Whether Temporal has rejected a call because of one of our search attributes. Their values are always
 * valid, so one is missing, or was added so recently that this server does not know it yet.
 */
export const concernsSearchAttributes = (error: unknown): boolean =>
  hasCode(error, status.INVALID_ARGUMENT) &&
  SEARCH_ATTRIBUTES.some(({ name }) =>
    grpcErrorOf(error)?.details.includes(`search attribute ${name}`),
  );

/** Which of the search attributes that order-ingest needs a namespace has. */
interface SearchAttributeState {
  readonly missing: readonly SearchAttribute[];
  /** Those that exist with another type. */
  readonly mistyped: readonly { readonly attribute: SearchAttribute; readonly type: string }[];
  /** The types of which too few are left: the namespace may have `limit` and has those `used`. */
  readonly full: readonly {
    readonly type: string;
    readonly limit: number;
    readonly used: readonly string[];
  }[];
  /** False when the caller has no permission to find out whether they exist. */
  readonly isKnown: boolean;
  /** Whether the caller may call the operator service. Temporal Cloud API keys may not. */
  readonly mayAdd: boolean;
}

async function readSearchAttributes(client: Client): Promise<SearchAttributeState> {
  const listed = await listTypes(client);
  const types = listed ?? (await typesByAlias(client));
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !types.has(name));
  const unknown = new Set<string>();
  if (!listed) {
    for (const { name } of missing) {
      const found = await isQueryable(client, name);
      if (found === undefined) unknown.add(name);
      else if (found) types.set(name, undefined);
    }
  }
  const mistyped = SEARCH_ATTRIBUTES.flatMap((attribute) => {
    const type = types.get(attribute.name);
    return type === undefined || type === attribute.type ? [] : [{ attribute, type }];
  });
  const absent = missing.filter(({ name }) => !types.has(name) && !unknown.has(name));
  return {
    missing: absent,
    mistyped,
    full: absent.length > 0 || mistyped.length > 0 ? await fullTypes(client, types) : [],
    isKnown: unknown.size === 0,
    mayAdd: listed !== undefined,
  };
}

/** From name to type, such as `KEYWORD_LIST`; undefined when the type is unknown. */
type AttributeTypes = Map<string, string | undefined>;

/** Reads the types from the operator service; undefined when the caller may not call it. */
async function listTypes(client: Client): Promise<AttributeTypes | undefined> {
  const { namespace } = client.options;
  const answer = await unlessDenied(
    client.connection.operatorService.listSearchAttributes({ namespace }),
  );
  return (
    answer &&
    new Map(
      Object.entries(answer.customAttributes).map(([name, type]) => [
        name,
        IndexedValueType[type].replace('INDEXED_VALUE_TYPE_', ''),
      ]),
    )
  );
}

/**
 * Reads the types from the namespace's description, which every user of the namespace may read: each
 * search attribute is an alias of a column such as `Int01`. Empty when Temporal's visibility is in
 * Elasticsearch.
 */
async function typesByAlias(client: Client): Promise<AttributeTypes> {
  const { namespace } = client.options;
  const { config } = await client.workflowService.describeNamespace({ namespace });
  return new Map(
    Object.entries(config?.customSearchAttributeAliases ?? {}).map(([column, alias]) => [
      alias,
      typeOfColumn(column),
    ]),
  );
}

/** Whether queries may use the attribute; undefined when the caller may not query. */
async function isQueryable(client: Client, name: string): Promise<boolean | undefined> {
  const { namespace } = client.options;
  const query = `${name} IS NOT NULL`;
  try {
    const answer = await unlessDenied(
      client.workflowService.countWorkflowExecutions({ namespace, query }),
    );
    return answer && true;
  } catch (error) {
    if (hasCode(error, status.INVALID_ARGUMENT)) return false;
    throw error;
  }
}

/** The types of which the namespace has too few columns left for the missing attributes. */
async function fullTypes(
  client: Client,
  types: AttributeTypes,
): Promise<SearchAttributeState['full']> {
  const columns = await unlessDenied(client.workflowService.getSearchAttributes({}));
  if (!columns) return [];
  return [...new Set(SEARCH_ATTRIBUTES.map(({ type }) => type))].flatMap((type) => {
    const limit = Object.keys(columns.keys).filter((key) => typeOfColumn(key) === type).length;
    const used = [...types].flatMap(([name, of]) => (of === type ? [name] : []));
    const needed = SEARCH_ATTRIBUTES.filter(
      (attribute) => attribute.type === type && !used.includes(attribute.name),
    );
    const isFull = limit > 0 && needed.length > 0 && used.length + needed.length > limit;
    return isFull ? [{ type, limit, used }] : [];
  });
}

/** `INT` of `Int01`, `KEYWORD_LIST` of `KeywordList03`; undefined for any other name. */
const typeOfColumn = (column: string): string | undefined =>
  /^(?:Bool|Datetime|Double|Int|Keyword|KeywordList|Text)(?=\d\d$)/
    .exec(column)?.[0]
    .replace(/(?<=[a-z])(?=[A-Z])/, '_')
    .toUpperCase();

/**
 * Whether the caller has no permission for the call, or the server does not implement it. Temporal Cloud
 * answers calls of the operator service this way.
 */
const isDenied = (error: unknown): boolean =>
  [status.PERMISSION_DENIED, status.UNAUTHENTICATED, status.UNIMPLEMENTED].some((code) =>
    hasCode(error, code),
  );

/** Undefined when the call is denied. */
const unlessDenied = <Answer>(call: Promise<Answer>): Promise<Answer | undefined> =>
  call.catch((error: unknown) => {
    if (isDenied(error)) return undefined;
    throw error;
  });

/** Describes what is wrong and how to fix it; undefined when nothing is known to be wrong. */
function problemOf(
  { missing, mistyped, full, mayAdd }: SearchAttributeState,
  namespace: string,
): OperatorError | undefined {
  const problems: string[] = [];
  const fixes: string[] = [];
  if (missing.length > 0) {
    problems.push(`lacks the search attributes ${namesOf(missing)}`);
  }
  for (const { attribute, type } of mistyped) {
    problems.push(
      `has a search attribute ${attribute.name} of type ${titled(type)}, but order-ingest needs type ${titled(attribute.type)}`,
    );
    fixes.push(
      mayAdd
        ? `remove ${attribute.name} if nothing else uses it (\`temporal operator search-attribute remove --namespace ${namespace} --name ${attribute.name}\`)`
        : `rename ${attribute.name} if nothing else uses it (in Temporal Cloud: \`tcld namespace search-attributes rename --namespace ${namespace} --existing-name ${attribute.name} --new-name Old${attribute.name}\`)`,
    );
  }
  for (const { type, limit, used } of full) {
    problems.push(
      `is limited to ${limit} search attributes of type ${titled(type)} and already has ${used.join(', ')}`,
    );
    fixes.push(
      `remove unused ones of type ${titled(type)} (\`temporal operator search-attribute remove --namespace ${namespace} --name NAME\`)`,
    );
  }
  if (problems.length === 0) return undefined;
  const toAdd = [...missing, ...mistyped.map(({ attribute }) => attribute)];
  const adding = mayAdd ? SET_UP : addByOthers(toAdd, namespace);
  return new OperatorError(
    'SEARCH_ATTRIBUTES_MISSING',
    `Temporal's namespace "${namespace}" ${problems.join('; it ')}`,
    fixes.length === 0
      ? adding
      : `${fixes.join('; ')} and ${adding}; or set TEMPORAL_NAMESPACE to a namespace that only order-ingest uses`,
  );
}

const SET_UP =
  'run `order-ingest setup --only temporal`; if Temporal authorizes calls, it needs the role admin in the namespace';

/** For credentials that may not add search attributes. */
const addByOthers = (attributes: readonly SearchAttribute[], namespace: string): string => {
  const flags = attributes.map(({ name, type }) => `--search-attribute "${name}=${titled(type)}"`);
  return `ask an administrator to add them: in Temporal Cloud in the namespace's settings, or with \`tcld namespace search-attributes add --namespace ${namespace} ${flags.join(' ')}\`; on a self-hosted server with \`order-ingest setup --only temporal\` and credentials that may call the operator service`;
};

/** `KeywordList` for `KEYWORD_LIST`, as Temporal's tools write it. */
const titled = (type: string): string =>
  type
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');

const namesOf = (attributes: readonly { readonly name: string }[]) =>
  attributes.map(({ name }) => name).join(', ');
