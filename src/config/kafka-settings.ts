import {
  brokerList,
  choice,
  flag,
  integer,
  settingGroup,
  text,
  url,
  type Values,
} from './setting.ts';
import { isIP } from 'node:net';
import { z } from 'zod';

/** The topic names that Kafka allows (`Topic.java`). */
const topicName = z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/, {
  error: 'expected 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-"',
});

/** `orders-eu, orders-us` */
const topicList = z
  .string()
  .transform((value) => value.split(',').map((name) => name.trim()))
  .superRefine((names, context) => {
    const mistake = topicListMistake(names);
    if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
  });

const derivedName = (topic: string): string => `${topic}.dead-letter`;

function topicListMistake(names: readonly string[]): string | undefined {
  if (names.length > 1 && names.includes('')) {
    return 'expected the names of topics, separated by single commas; one of them is empty';
  }
  for (const name of names) {
    const checked = topicName.safeParse(name);
    if (!checked.success) return checked.error.issues[0]?.message;
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return `expected each topic once; "${repeated}" is repeated`;
  const source = names.find((name) => names.includes(derivedName(name)));
  return source === undefined
    ? undefined
    : `"${derivedName(source)}" is the dead-letter topic of "${source}"; it cannot be a topic of orders`;
}

/** Kafka writes `SCRAM-SHA-512`, kafkajs `scram-sha-512`, and Amazon's library for Java `AWS_MSK_IAM`. */
const saslMechanism = z
  .string()
  .transform((value) => value.toLowerCase().replaceAll('_', '-'))
  .pipe(choice(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam']));

export type SaslMechanism = z.output<typeof saslMechanism>;

/** RFC 7628: a name of letters only, a value of printable characters. `auth` is the token itself. */
const saslExtensions = z
  .string()
  .refine(
    (value) =>
      value.split(',').every((part) => /^\s*(?!auth=)[A-Za-z]+=[\x20-\x7e\t\r\n]*$/.test(part)),
    { error: 'expected key=value, or several of them separated by commas; a key has letters only' },
  )
  .transform((value) =>
    Object.fromEntries(
      value.split(',').map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at).trim(), part.slice(at + 1)];
      }),
    ),
  );

/** Whatever writes the file may end it with several newlines. */
const bearerToken = z
  .string()
  .transform((value) => value.trim())
  .refine((value) => /^[A-Za-z0-9._~+/-]+=*$/.test(value), { error: 'expected a bearer token' });

export const kafkaSettings = settingGroup({
  brokers: {
    name: 'KAFKA_BROKERS',
    schema: brokerList,
    description: 'Bootstrap brokers as `host:port`, separated by commas.',
  },
  topics: {
    name: 'KAFKA_TOPIC',
    schema: topicList,
    default: 'orders',
    description:
      'The topic of the orders, or several separated by commas. All bridges of a group must read the same topics. The same order ID on two topics is the same order: a duplicate, or a conflict if the content differs.',
  },
  deadLetterTopic: {
    name: 'KAFKA_DEAD_LETTER_TOPIC',
    schema: topicName,
    optional: true,
    unsetMeans: '`<topic>.dead-letter` for each topic',
    description:
      'The topic for messages for which no workflow can be started. If it is set, all topics of `KAFKA_TOPIC` share it. It cannot be one of them.',
  },
  clientId: {
    name: 'KAFKA_CLIENT_ID',
    schema: text,
    default: 'order-ingest',
    description: 'Name of this client in the logs and quotas of the brokers.',
  },
  ssl: {
    name: 'KAFKA_SSL',
    schema: flag,
    default: 'false',
    description: 'Whether to use TLS for the connections to the brokers.',
  },
  sslCaFile: {
    name: 'KAFKA_SSL_CA_FILE',
    schema: text,
    optional: true,
    unsetMeans: 'those of Node.js',
    description:
      'PEM file of the certificate authorities that sign the certificates of the brokers. By default, the authorities that Node.js trusts, which `NODE_EXTRA_CA_CERTS` extends.',
  },
  sslCertFile: {
    name: 'KAFKA_SSL_CERT_FILE',
    schema: text,
    optional: true,
    description:
      'PEM file of the client certificate, for mutual TLS. The certificates of intermediate authorities follow it in the same file.',
  },
  sslKeyFile: {
    name: 'KAFKA_SSL_KEY_FILE',
    schema: text,
    optional: true,
    description: 'PEM file of the private key of the client certificate.',
  },
  sslKeyPassphrase: {
    name: 'KAFKA_SSL_KEY_PASSPHRASE',
    schema: text,
    optional: true,
    secret: true,
    description: 'Passphrase of the private key, if it is encrypted.',
  },
  sslServerName: {
    name: 'KAFKA_SSL_SERVER_NAME',
    schema: z.string().refine((name) => isIP(name) === 0, {
      error: 'expected a host name, because TLS has no server names that are IP addresses',
    }),
    optional: true,
    unsetMeans: 'the host of the broker',
    description:
      'Host name to expect in the certificates of all brokers, and to send to them (SNI). Needed only where the brokers are reached by names or addresses that their certificates do not contain.',
  },
  saslMechanism: {
    name: 'KAFKA_SASL_MECHANISM',
    schema: saslMechanism,
    optional: true,
    description:
      'SASL mechanism for authentication: `plain`, `scram-sha-256` or `scram-sha-512` with a user name and a password, `oauthbearer` with a token, or `aws-msk-iam` for Amazon MSK. Upper case works as well. If unset, the client does not use SASL.',
  },
  saslUsername: {
    name: 'KAFKA_SASL_USERNAME',
    schema: text,
    optional: true,
    description: 'User name for `plain`, `scram-sha-256` and `scram-sha-512`.',
  },
  saslPassword: {
    name: 'KAFKA_SASL_PASSWORD',
    schema: text,
    optional: true,
    secret: true,
    description: 'Password for `plain`, `scram-sha-256` and `scram-sha-512`.',
  },
  oauthTokenEndpoint: {
    name: 'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL',
    schema: url('https:', 'http:').refine((value) => !/\/\/[^/]*@/.test(value), {
      error:
        'it must not contain credentials; set KAFKA_SASL_OAUTHBEARER_CLIENT_ID and _CLIENT_SECRET',
    }),
    optional: true,
    description:
      'For `oauthbearer`: URL of the token endpoint of the authorization server, which issues a token for the client ID and secret (OAuth 2.0 client credentials). A token is used until 80 % of its lifetime is over.',
  },
  oauthClientId: {
    name: 'KAFKA_SASL_OAUTHBEARER_CLIENT_ID',
    schema: text,
    optional: true,
    description: 'Client ID for the token endpoint.',
  },
  oauthClientSecret: {
    name: 'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET',
    schema: text,
    optional: true,
    secret: true,
    description: 'Client secret for the token endpoint.',
  },
  oauthScope: {
    name: 'KAFKA_SASL_OAUTHBEARER_SCOPE',
    schema: text,
    optional: true,
    description: 'Scope to request from the token endpoint; several are separated by spaces.',
  },
  oauthCaFile: {
    name: 'KAFKA_SASL_OAUTHBEARER_CA_FILE',
    schema: text,
    optional: true,
    unsetMeans: 'those of Node.js',
    description:
      'PEM file of the certificate authorities that sign the certificate of the token endpoint.',
  },
  oauthExtensions: {
    name: 'KAFKA_SASL_OAUTHBEARER_EXTENSIONS',
    schema: saslExtensions,
    optional: true,
    description:
      'SASL extensions to send with the token, as `key=value` separated by commas, such as `logicalCluster=lkc-1,identityPoolId=pool-1`.',
  },
  oauthToken: {
    name: 'KAFKA_SASL_OAUTHBEARER_TOKEN',
    schema: bearerToken,
    optional: true,
    secret: true,
    description:
      'For `oauthbearer` without a token endpoint: the token itself. Use the file, which whoever renews the token replaces: it is read again for each login.',
  },
  awsRegion: {
    name: 'KAFKA_SASL_AWS_REGION',
    schema: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d+$/, {
      error: 'expected a region of AWS, such as eu-central-1',
    }),
    optional: true,
    unsetMeans: '`AWS_REGION`, which AWS sets in its containers',
    description:
      'For `aws-msk-iam`: the region of the cluster. The credentials come from where the AWS SDK finds them: the environment, a role of the container or of the instance, a profile. Needs the package `aws-msk-iam-sasl-signer-js` beside order-ingest.',
  },
  connectTimeoutMs: {
    name: 'KAFKA_CONNECT_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '3000',
    description: 'How long to wait for a connection to one broker, including the TLS handshake.',
  },
  authenticationTimeoutMs: {
    name: 'KAFKA_AUTHENTICATION_TIMEOUT_MS',
    schema: integer(100, 300_000),
    default: '10000',
    description:
      'How long a login may take after the connection is open, including the request to a token endpoint.',
  },
  requestTimeoutMs: {
    name: 'KAFKA_REQUEST_TIMEOUT_MS',
    schema: integer(1000, 300_000),
    default: '30000',
    description:
      'How long to wait for the answer to a request. A broker that does not answer in time counts as unavailable; the request is repeated.',
  },
});

/** Mistakes in the combination of settings that are valid by themselves. Those that are not are undefined. */
export const kafkaMistakes = (
  settings: Partial<Values<typeof kafkaSettings>>,
): readonly string[] => [
  ...topicMistakes(settings),
  ...tlsMistakes(settings),
  ...saslMistakes(settings),
];

/** A TLS setting without TLS would be ignored silently, and the connection would be in plaintext. */
function tlsMistakes(settings: Partial<Values<typeof kafkaSettings>>): readonly string[] {
  const { ssl, sslCertFile, sslKeyFile, sslKeyPassphrase } = settings;
  const mistakes: string[] = [];
  const keys = [
    'sslCaFile',
    'sslCertFile',
    'sslKeyFile',
    'sslKeyPassphrase',
    'sslServerName',
  ] as const;
  const given = keys.filter((key) => settings[key] !== undefined);
  if (ssl === false && given.length > 0) {
    mistakes.push(
      `${given.map((key) => kafkaSettings[key].name).join(', ')}: set, but KAFKA_SSL is not "true", so the connection would not be encrypted`,
    );
  }
  if ((sslCertFile === undefined) !== (sslKeyFile === undefined)) {
    mistakes.push('KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE: set both or neither');
  }
  if (sslKeyPassphrase !== undefined && sslKeyFile === undefined) {
    mistakes.push('KAFKA_SSL_KEY_PASSPHRASE is set, but KAFKA_SSL_KEY_FILE is not');
  }
  return mistakes;
}

/** What each mechanism reads. A setting that belongs to another mechanism would be ignored silently. */
const PASSWORD_KEYS = ['saslUsername', 'saslPassword'] as const;
const ENDPOINT_KEYS = ['oauthClientId', 'oauthClientSecret', 'oauthScope', 'oauthCaFile'] as const;
const OAUTH_KEYS = [
  'oauthTokenEndpoint',
  ...ENDPOINT_KEYS,
  'oauthExtensions',
  'oauthToken',
] as const;
const SASL_KEYS = [...PASSWORD_KEYS, ...OAUTH_KEYS, 'awsRegion'] as const;
const KEYS_OF: Readonly<Record<SaslMechanism, readonly (typeof SASL_KEYS)[number][]>> = {
  plain: PASSWORD_KEYS,
  'scram-sha-256': PASSWORD_KEYS,
  'scram-sha-512': PASSWORD_KEYS,
  oauthbearer: OAUTH_KEYS,
  'aws-msk-iam': ['awsRegion'],
};

function saslMistakes(settings: Partial<Values<typeof kafkaSettings>>): readonly string[] {
  const { saslMechanism: mechanism } = settings;
  const isSet = (key: (typeof SASL_KEYS)[number]) => settings[key] !== undefined;
  const names = (keys: readonly (typeof SASL_KEYS)[number][]) =>
    keys.map((key) => kafkaSettings[key].name).join(', ');
  const given = SASL_KEYS.filter(isSet);
  if (mechanism === undefined) {
    // An invalid mechanism is a mistake of its own, but looks like one that is unset here.
    return given.length === 0
      ? []
      : [`${names(given)}: set, but KAFKA_SASL_MECHANISM is not, so the client would not log in`];
  }
  const foreign = given.filter((key) => !KEYS_OF[mechanism].includes(key));
  const mistakes =
    foreign.length === 0
      ? []
      : [`${names(foreign)}: set, but KAFKA_SASL_MECHANISM=${mechanism} does not use it`];
  if (KEYS_OF[mechanism] === PASSWORD_KEYS) {
    const missing = PASSWORD_KEYS.filter((key) => !isSet(key));
    if (missing.length > 0) {
      mistakes.push(`KAFKA_SASL_MECHANISM=${mechanism} needs ${names(missing)}`);
    }
  }
  if (mechanism === 'oauthbearer') {
    const { oauthTokenEndpoint, oauthToken } = settings;
    if ((oauthTokenEndpoint === undefined) === (oauthToken === undefined)) {
      mistakes.push(
        'KAFKA_SASL_MECHANISM=oauthbearer needs either KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL or KAFKA_SASL_OAUTHBEARER_TOKEN (usually its _FILE)',
      );
    }
    const needed = (['oauthClientId', 'oauthClientSecret'] as const).filter((key) => !isSet(key));
    if (oauthTokenEndpoint !== undefined && needed.length > 0) {
      mistakes.push(`KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL needs ${names(needed)}`);
    }
    const unused = ENDPOINT_KEYS.filter(isSet);
    if (oauthTokenEndpoint === undefined && oauthToken !== undefined && unused.length > 0) {
      mistakes.push(`${names(unused)}: set, but there is no token endpoint`);
    }
  }
  return mistakes;
}

/**
 * Mistakes in the names of topics that are valid by themselves. Those that are not are undefined. A bridge that
 * reads its own dead letters would make each of them a dead letter again, indefinitely.
 */
export function topicMistakes({
  topics = [],
  deadLetterTopic,
}: Partial<Values<typeof kafkaSettings>>): readonly string[] {
  if (deadLetterTopic !== undefined && topics.includes(deadLetterTopic)) {
    return [
      `KAFKA_DEAD_LETTER_TOPIC is "${deadLetterTopic}", which KAFKA_TOPIC lists as a topic of orders`,
    ];
  }
  const deadLetterTopics =
    deadLetterTopic === undefined ? topics.map(derivedName) : [deadLetterTopic];
  return deadLetterTopics
    .filter((name) => topics.includes(`${name}.replayed`))
    .map(
      (name) =>
        `KAFKA_TOPIC lists "${name}.replayed", which holds the marks of the dead-letter topic "${name}"; it cannot be a topic of orders`,
    );
}

export const topicSettings = settingGroup({
  partitions: {
    name: 'KAFKA_TOPIC_PARTITIONS',
    schema: integer(1, 10_000),
    default: '6',
    description:
      'Number of partitions of each topic that `setup` creates. The maximum number of bridges that share the work is the number of partitions of all topics in `KAFKA_TOPIC`. Existing topics are not changed.',
  },
  replicationFactor: {
    name: 'KAFKA_TOPIC_REPLICATION_FACTOR',
    schema: integer(-1, 32_767),
    default: '-1',
    description:
      'Replication factor of the topics that `setup` creates; -1 uses the default of the broker. Use 3 in production.',
  },
});
