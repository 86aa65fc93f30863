import { OperatorError } from '../program/operator-error.ts';

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
