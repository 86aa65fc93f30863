import type { Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import proto from '@temporalio/proto';
import pRetry from 'p-retry';
import { OperatorError } from '../program/operator-error.ts';
import { SEARCH_ATTRIBUTES } from '../contract/workflow-metadata.ts';
import { hasCode } from './call-with-retry.ts';
import { grpcErrorOf } from './temporal-error.ts';

interface SearchAttribute {
  readonly name: string;
  readonly type: 'KEYWORD' | 'INT';
}

/** How the search attributes that order-ingest needs stand in a namespace. */
export interface SearchAttributeState {
  readonly missing: readonly SearchAttribute[];
  /** Those that exist with a type other than the one needed. */
  readonly mistyped: readonly { readonly attribute: SearchAttribute; readonly type: string }[];
  /** Types of which a namespace holds `limit`, and has too few left. */
  readonly full: readonly {
    readonly type: string;
    readonly limit: number;
    readonly used: readonly string[];
  }[];
  /** False when the caller's rights do not show whether they are there. */
  readonly isKnown: boolean;
  /** Whether the caller may call Temporal's operator service; a Temporal Cloud API key may not. */
  readonly mayAdd: boolean;
}

/** What is wrong with them and how to fix it; undefined when nothing is known to be wrong. */
export function searchAttributeProblem(
  { missing, mistyped, full, mayAdd }: SearchAttributeState,
  namespace: string,
): OperatorError | undefined {
  const problems: string[] = [];
  const remedies: string[] = [];
  if (missing.length > 0) {
    problems.push(`lacks the search attributes ${missing.map(({ name }) => name).join(', ')}`);
  }
  for (const { attribute, type } of mistyped) {
    problems.push(
      `has a search attribute ${attribute.name} of type ${titled(type)}, where order-ingest needs ${titled(attribute.type)}`,
    );
    remedies.push(
      mayAdd
        ? `remove ${attribute.name} if nothing else uses it (\`temporal operator search-attribute remove --namespace ${namespace} --name ${attribute.name}\`)`
        : `rename ${attribute.name} if nothing else uses it (in Temporal Cloud: \`tcld namespace search-attributes rename --namespace ${namespace} --existing-name ${attribute.name} --new-name Old${attribute.name}\`)`,
    );
  }
  for (const { type, limit, used } of full) {
    problems.push(
      `holds ${limit} search attributes of type ${titled(type)} at most, and has ${used.join(', ')} already`,
    );
    remedies.push(
      `remove those of type ${titled(type)} that nothing uses (\`temporal operator search-attribute remove --namespace ${namespace} --name NAME\`)`,
    );
  }
  if (problems.length === 0) return undefined;
  const toAdd = [...missing, ...mistyped.map(({ attribute }) => attribute)];
  const adding = mayAdd ? SET_UP : addByOthers(toAdd, namespace);
  return new OperatorError(
    'SEARCH_ATTRIBUTES_MISSING',
    `Temporal's namespace "${namespace}" ${problems.join('; it ')}`,
    remedies.length === 0
      ? adding
      : `${remedies.join('; ')} and ${adding}; or set TEMPORAL_NAMESPACE to a namespace of its own`,
  );
}

const SET_UP = 'run `order-ingest setup --only temporal`';

/** These credentials may not add any. */
const addByOthers = (attributes: readonly SearchAttribute[], namespace: string): string => {
  const flags = attributes.map(({ name, type }) => `--search-attribute "${name}=${titled(type)}"`);
  return `have them added by somebody who may: in Temporal Cloud in the namespace's settings in the UI, or by \`tcld namespace search-attributes add --namespace ${namespace} ${flags.join(' ')}\`; on a server of your own with \`order-ingest setup --only temporal\` and credentials that may call the operator service`;
};

/** `KeywordList` for `KEYWORD_LIST`, as Temporal's tools write it. */
const titled = (type: string): string =>
  type
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');

/** How often, and how many times, a server is asked whether it knows a new attribute. */
const USABLE = { factor: 1, minTimeout: 100, retries: 300 };

/**
 * Adds the search attributes that the namespace lacks, and waits up to half a minute until the server
 * that was asked knows them. Answers with their names. Throws an OperatorError when they cannot be
 * added: one exists with another type, the namespace has no room, or the caller has no right to.
 */
export async function addSearchAttributes(client: Client): Promise<readonly string[]> {
  const { namespace } = client.options;
  const state = await readSearchAttributes(client);
  const problem = searchAttributeProblem(state, namespace);
  if (!problem) {
    if (state.isKnown) return [];
    throw new OperatorError(
      'SEARCH_ATTRIBUTES_UNKNOWN',
      `These credentials do not show whether Temporal's namespace "${namespace}" has the search attributes ${names(SEARCH_ATTRIBUTES)}`,
      "look for them in the namespace's settings, in Temporal Cloud in its UI",
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
    if (isRefused(error)) {
      throw searchAttributeProblem({ ...state, mayAdd: false }, namespace) ?? error;
    }
    const reason = grpcErrorOf(error)?.details ?? '';
    if (!reason.includes('cannot have more than')) throw error;
    throw new OperatorError(
      'SEARCH_ATTRIBUTES_FULL',
      `Temporal's namespace "${namespace}" has no room for the search attributes ${names(state.missing)}: ${reason}`,
      `remove one that nothing uses (\`temporal operator search-attribute remove --namespace ${namespace} --name NAME\`), or set TEMPORAL_NAMESPACE to a namespace of its own`,
      { cause: error },
    );
  }
  const query = state.missing.map(({ name }) => `${name} IS NOT NULL`).join(' AND ');
  await pRetry(() => client.workflowService.countWorkflowExecutions({ namespace, query }), {
    ...USABLE,
    shouldRetry: ({ error }) => hasCode(error, status.INVALID_ARGUMENT),
  }).catch((error: unknown) => {
    if (!isRefused(error)) throw error;
  });
  return state.missing.map(({ name }) => name);
}

/**
 * Whether Temporal has refused a call for one of our search attributes. Their values are always right:
 * one is missing, or was added so recently that this server does not know it yet.
 */
export const concernsSearchAttributes = (error: unknown): boolean =>
  hasCode(error, status.INVALID_ARGUMENT) &&
  SEARCH_ATTRIBUTES.some(({ name }) =>
    grpcErrorOf(error)?.details.includes(`search attribute ${name}`),
  );

/**
 * Throws an OperatorError when a search attribute is missing or has another type, as every start would
 * be refused. Answers `unknown` when the caller's rights do not show it.
 */
export async function checkSearchAttributes(client: Client): Promise<'present' | 'unknown'> {
  const state = await readSearchAttributes(client);
  const problem = searchAttributeProblem(state, client.options.namespace);
  if (problem) throw problem;
  return state.isKnown ? 'present' : 'unknown';
}

const { IndexedValueType } = proto.temporal.api.enums.v1;
const names = (attributes: readonly { readonly name: string }[]) =>
  attributes.map(({ name }) => name).join(', ');

/**
 * What the caller may not do, or what this server does not have. A namespace's API key of Temporal
 * Cloud gets one of these for every call of the operator service.
 */
const isRefused = (error: unknown): boolean =>
  [status.PERMISSION_DENIED, status.UNAUTHENTICATED, status.UNIMPLEMENTED].some((code) =>
    hasCode(error, code),
  );

/** The answer, or undefined when the call is refused. */
const unlessRefused = <Answer>(call: Promise<Answer>): Promise<Answer | undefined> =>
  call.catch((error: unknown) => {
    if (isRefused(error)) return undefined;
    throw error;
  });

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

/** Name to type, such as `KEYWORD_LIST`; undefined for a type that is not known. */
type AttributeTypes = Map<string, string | undefined>;

/** As the operator service lists them; undefined when the caller may not call it. */
async function listTypes(client: Client): Promise<AttributeTypes | undefined> {
  const { namespace } = client.options;
  const answer = await unlessRefused(
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
 * As the namespace's own description names them, which everyone may read who may use the namespace:
 * each is the alias of a column such as `Int01`. Empty where Temporal keeps its visibility in
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

/** Whether a query may name the attribute; undefined when the caller may not query. */
async function isQueryable(client: Client, name: string): Promise<boolean | undefined> {
  const { namespace } = client.options;
  const query = `${name} IS NOT NULL`;
  try {
    const answer = await unlessRefused(
      client.workflowService.countWorkflowExecutions({ namespace, query }),
    );
    return answer && true;
  } catch (error) {
    if (hasCode(error, status.INVALID_ARGUMENT)) return false;
    throw error;
  }
}

/** Types of which the namespace has too few columns left for what is still to be added. */
async function fullTypes(
  client: Client,
  types: AttributeTypes,
): Promise<SearchAttributeState['full']> {
  const columns = await unlessRefused(client.workflowService.getSearchAttributes({}));
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
