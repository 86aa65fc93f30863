/**
 * Every error that an operator may see, by its code. Codes are stable: scripts and alerts may rely on
 * them, while the wording of a message may change. docs/errors.md is generated from this list.
 */
export const ERRORS = {
  ARGUMENT_INVALID: {
    meaning: 'An argument or option of a command has an invalid value.',
    fix: 'Correct it; `--help` after the command lists what it accepts.',
  },
  CLIENT_CERTIFICATE_INVALID: {
    meaning:
      'A client certificate and its private key cannot be used: they do not belong together, or the key is encrypted and its passphrase is wrong or missing.',
    fix: 'Set the certificate, its private key and the passphrase of the key, which the message names.',
  },
  CODEC_SERVER_UNPROTECTED: {
    meaning: 'The codec server would decode orders for everyone who reaches it.',
    fix: 'Set `CODEC_SERVER_TOKEN`, or have it listen on 127.0.0.1.',
  },
  CONFIRMATION_DECLINED: {
    meaning:
      'A command asked for confirmation before changing many orders, and the answer was not yes. Nothing was changed.',
    fix: 'Run it again and answer `y`, or add `--yes`.',
  },
  CONFIRMATION_REQUIRED: {
    meaning:
      'A command would change many orders and cannot ask for confirmation outside a terminal. Nothing was changed.',
    fix: 'Add `--yes`, or preview the changes with `--dry-run`.',
  },
  CONSUMER_ENDED: {
    meaning:
      'The Kafka consumer of the bridge ended with an error from which it could not recover. Nothing is lost: what was not committed is read again.',
    fix: 'Find the cause in the log (`kafka_poll_error`), fix it and start the bridge again.',
  },
  CORRECTION_INVALID: {
    meaning:
      'The message given to `orders correct` is not a valid order, or has a different order ID.',
    fix: 'Correct the message. An order with a different ID must be sent to the topic.',
  },
  DATABASE_CONNECTIONS_EXHAUSTED: {
    meaning: 'Postgres has no connection left (SQLSTATE 53300).',
    fix: 'Raise `max_connections`, give the workers fewer slots, or put a connection pooler in front of Postgres.',
  },
  DATABASE_ERROR: {
    meaning:
      'Postgres answered with an error that has no code of its own here. The message has the reason.',
    fix: 'Fix what the message names.',
  },
  DATABASE_LOGIN_REJECTED: {
    meaning: 'Postgres rejected the user or the password (SQLSTATE 28P01 or 28000).',
    fix: 'Correct the user and the password in `DATABASE_URL`, or allow the connection in `pg_hba.conf`.',
  },
  DATABASE_MIGRATION_BLOCKED: {
    meaning:
      'A migration did not get its locks in time, because other sessions hold them, or another `setup` is running. The migration was rolled back; one that creates an index may have left it invalid, and the next attempt drops it.',
    fix: 'Wait for the transactions that the message names to end, or end them, and run `order-ingest setup` again. docs/upgrades/migrations.md explains the limits.',
  },
  DATABASE_MIGRATION_FAILED: {
    meaning:
      'Postgres rejected a migration, or its file is not one that can be run. The message has the file, what Postgres said and, if known, the line. It is not recorded as run.',
    fix: 'Correct the migration, and run `order-ingest setup` again.',
  },
  DATABASE_NOT_FOUND: {
    meaning: 'The database named in `DATABASE_URL` does not exist (SQLSTATE 3D000).',
    fix: 'Correct the name, or create the database.',
  },
  DATABASE_NOT_WRITABLE: {
    meaning:
      'No host of `DATABASE_URL` has the state that `target_session_attrs` asks for: those that could be reached are standbys or read-only.',
    fix: 'Promote a standby, or add the host of the primary to `DATABASE_URL`.',
  },
  DATABASE_OLD_VERSION_CONNECTED: {
    meaning:
      '`setup --contract` would run a migration that breaks an older version of order-ingest, which is still connected to the database.',
    fix: 'Stop the old workers, which the message names by their sessions, and run the command again.',
  },
  DATABASE_PARAMETER_REFUSED: {
    meaning:
      'A connection pooler between the program and Postgres rejected a startup parameter of `DATABASE_URL`.',
    fix: 'Take the parameter out of `DATABASE_URL` and set it for the role with `ALTER ROLE`.',
  },
  DATABASE_RIGHT_MISSING: {
    meaning:
      'The user in `DATABASE_URL`, or a role that a setting names, lacks a privilege on a table, schema, sequence or database.',
    fix: 'Have the role that the message names run the `GRANT` statement.',
  },
  DATABASE_ROLE_MISSING: {
    meaning: 'The role that `DATABASE_WORKER_ROLE` or `DATABASE_READER_ROLE` names does not exist.',
    fix: 'Create it, and run `order-ingest setup --only database` again.',
  },
  DATABASE_SCHEMA_MISSING: {
    meaning: 'No schema in the search path exists, so the tables cannot be created.',
    fix: 'Create the schema, or correct the search path in `DATABASE_URL`.',
  },
  DATABASE_SCHEMA_OUTDATED: {
    meaning: 'The tables do not exist, or are older than this version needs.',
    fix: 'Run `order-ingest setup --only database`.',
  },
  DATABASE_SCHEMA_TOO_NEW: {
    meaning:
      'A newer version has run a migration that this version does not work with (`setup --contract`): a column that it uses is gone, or one that it does not know is required.',
    fix: 'Run the newer version. To go back to this one, bring back the column first.',
  },
  DATABASE_SEARCH_PATH_IGNORED: {
    meaning:
      '`DATABASE_URL` sets a search path but Postgres uses another one, because a connection pooler ignores `options`.',
    fix: 'Take `options` out of `DATABASE_URL` and set the search path for the role with `ALTER ROLE`.',
  },
  DATABASE_SESSION_REQUIRED: {
    meaning:
      'A migration runs outside a transaction and needs a session of its own, but a connection pooler is in front of Postgres.',
    fix: 'Run `order-ingest setup --only database` with the address of Postgres itself in `DATABASE_URL`.',
  },
  DATABASE_TLS_FAILED: {
    meaning:
      'No TLS connection to Postgres could be opened as `sslmode` asks for it: a certificate is not trusted, has expired or has another name, or the server does not offer TLS.',
    fix: 'Follow the advice in the message; docs/security.md explains `sslmode` and the certificates.',
  },
  DATABASE_UNREACHABLE: {
    meaning: 'No connection to Postgres could be opened.',
    fix: 'Check `DATABASE_URL` and that the server is running.',
  },
  DEAD_LETTER_INCOMPLETE: {
    meaning:
      'A dead letter lacks a part of the original message that the broker did not accept, or is too large for the source topic, so it cannot be sent or shown.',
    fix: 'Read the original at the source topic, partition and offset in its headers; raise `max.message.bytes` of the topic if the message is too large.',
  },
  DEAD_LETTER_NOT_FOUND: {
    meaning:
      'The dead-letter topic has no dead letter with this ID, or the other filters exclude it.',
    fix: 'List the IDs with `order-ingest dead-letters list`.',
  },
  DEPLOYMENTS_UNSUPPORTED: {
    meaning: 'The Temporal server does not support worker deployments, or has them disabled.',
    fix: 'Use a server of version 1.29 or later with `system.enableDeploymentVersions` on, or run the workers without versioning.',
  },
  DEPLOYMENT_CHANGED: {
    meaning: 'The routing of the worker deployment was changed by somebody else at the same time.',
    fix: 'Look at `order-ingest deploy status`, then run the command again if it is still needed.',
  },
  DEPLOYMENT_CHANGE_REFUSED: {
    meaning:
      'Temporal rejected the change of the worker deployment, for instance because another program manages it.',
    fix: 'Correct what the message names.',
  },
  DEPLOYMENT_NOT_DRAINED: {
    meaning:
      'The version that was replaced is not drained yet. The new routing is in effect; only the wait ended.',
    fix: 'Keep its workers running and run the command again to continue waiting; docs/upgrades/workers.md explains how to move orders that are pinned to it.',
  },
  DEPLOYMENT_NOT_FOUND: {
    meaning: 'Temporal has no worker deployment with this name.',
    fix: 'Check `TEMPORAL_DEPLOYMENT_NAME`; a deployment exists as soon as its first worker has polled.',
  },
  DEPLOYMENT_NO_PREVIOUS_VERSION: {
    meaning: 'Temporal has no record of a version to which a rollback could return.',
    fix: 'Name the version: `order-ingest deploy promote --build-id ID`.',
  },
  DEPLOYMENT_VERSION_NOT_POLLING: {
    meaning:
      'No worker of the version polls the task queue, so orders that are routed to it would wait. Nothing was changed.',
    fix: 'Start workers with this `TEMPORAL_BUILD_ID`, and run the command again.',
  },
  FILE_NOT_PEM: {
    meaning:
      'A file that a setting names holds no certificate, or no private key, in PEM format. Such a file would be ignored, and the connection would fail for another reason.',
    fix: 'Name a PEM file; `openssl x509` and `openssl pkcs12` convert other formats.',
  },
  FILE_UNREADABLE: {
    meaning: 'A file that a setting or an option names cannot be read.',
    fix: 'Name a file that exists and that this user may read.',
  },
  GROUP_WITHOUT_OFFSETS: {
    meaning:
      'The consumer group has no committed offset and `KAFKA_AUTO_OFFSET_RESET` is `none`; or it is `latest`, and the group has members that commit none.',
    fix: 'Correct `KAFKA_GROUP_ID`, so that the group is that of this service alone, or set `KAFKA_AUTO_OFFSET_RESET` to `earliest` or `latest` for the first start of a new group.',
  },
  HTTP_CERTIFICATE_UNUSABLE: {
    meaning:
      'The certificate for an HTTP endpoint or the codec server, or its private key, cannot be used.',
    fix: 'Name a file with the certificate and a file with its own private key without a passphrase, both as PEM.',
  },
  HTTP_PORT_UNAVAILABLE: {
    meaning: 'The port for health and metrics, or for the codec server, cannot be opened.',
    fix: 'Set the port to a free one, or to 0 for any.',
  },
  INPUT_MISSING: {
    meaning: 'A command was given nothing to send.',
    fix: 'Name a file, pipe one to standard input, or use `--sample`.',
  },
  INPUT_ORDER_INVALID: {
    meaning: 'A line of the input is not a valid order. The lines before it have been sent.',
    fix: 'Correct the line and send the whole file again (orders sent before are recognized as duplicates), or send everything unchanged with `--raw`.',
  },
  INTERRUPTED: {
    meaning: 'A signal ended the program before it had finished. Nothing is lost.',
    fix: 'Run it again: it continues, or repeats what is safe to repeat.',
  },
  KAFKA_BROKER_UNREACHABLE: {
    meaning:
      'The broker that a request needs could not be reached, although others could, and no other one took over from it.',
    fix: 'Start that broker, and check that its advertised address can be reached from this machine.',
  },
  KAFKA_COORDINATOR_UNAVAILABLE: {
    meaning:
      'Kafka has no coordinator for the consumer group: the cluster is new, or `__consumer_offsets` is offline.',
    fix: 'Try again in a minute if the cluster is new; otherwise check that `__consumer_offsets` is online.',
  },
  KAFKA_GROUP_INCOMPATIBLE: {
    meaning: 'The consumer group has members that are not bridges.',
    fix: 'Give the bridges a `KAFKA_GROUP_ID` of their own, or stop the other members.',
  },
  KAFKA_LOGIN_REJECTED: {
    meaning: 'Kafka rejected the login.',
    fix: 'Correct `KAFKA_SASL_MECHANISM`, `KAFKA_SASL_USERNAME` and `KAFKA_SASL_PASSWORD`.',
  },
  KAFKA_PARTITION_OFFLINE: {
    meaning: 'A partition has no leader: none of the brokers that hold it is running.',
    fix: 'Start those brokers.',
  },
  KAFKA_READ_STALLED: {
    meaning: 'A partition delivered nothing for a long time, although it has messages.',
    fix: 'Check the health of the broker and that no transaction is open there.',
  },
  KAFKA_REQUEST_REFUSED: {
    meaning: 'Kafka rejected a request. The message has the reason.',
    fix: 'Correct the setting that the message names, or the permissions of the user.',
  },
  KAFKA_RIGHT_MISSING: {
    meaning: 'The Kafka user lacks a permission.',
    fix: 'Run the `kafka-acls` command that the message shows; docs/security.md lists the permissions of each program.',
  },
  KAFKA_TLS_FAILED: {
    meaning:
      'No TLS connection to a broker can be opened: a certificate is not trusted, has expired or is for another host, the broker wants a client certificate or rejects it, or one side uses TLS and the other does not. The message says which.',
    fix: 'Correct what the message names: the files and the server name of `KAFKA_SSL_*`, the port in `KAFKA_BROKERS`, or the certificate of the broker.',
  },
  KAFKA_TOKEN_UNAVAILABLE: {
    meaning:
      'No token for the Kafka login could be obtained: the token endpoint did not answer or rejected the client, or the AWS SDK found no credentials.',
    fix: 'Correct what the message names. A running bridge is not ready until it gets a token, and then resumes by itself.',
  },
  KAFKA_TOPIC_MISSING: {
    meaning: 'A topic does not exist.',
    fix: 'Run `order-ingest setup --only kafka`, or correct `KAFKA_TOPIC`.',
  },
  KAFKA_TRANSACTION_FENCED: {
    meaning:
      'Another run of the same command has taken over, or a transaction exceeded the time limit of the broker.',
    fix: 'Run one at a time; start again when the other has ended.',
  },
  KAFKA_UNREACHABLE: {
    meaning: 'No broker could be reached.',
    fix: 'Check `KAFKA_BROKERS` and that the brokers are running.',
  },
  ORDERS_NOT_RERUN: {
    meaning:
      'Some of the orders could not be re-run: the message is a dead letter, or neither Temporal nor the topic has it any more.',
    fix: 'Follow the advice in the message for each of them.',
  },
  ORDERS_UNCHANGED: {
    meaning:
      'The action was not possible for some of the orders, for instance because they have ended. The others were changed.',
    fix: '`order-ingest orders show ID` shows the state of each.',
  },
  ORDER_NOT_FAILED: {
    meaning: 'The order is running or has been stored, so there is nothing to correct.',
    fix: 'Cancel it first if it is running; change a stored order in Postgres.',
  },
  ORDER_NOT_FOUND: {
    meaning: 'No workflow, row or dead letter has this order ID.',
    fix: 'Check the ID: upper and lower case and white space count.',
  },
  ORDER_MODULE_INVALID: {
    meaning: 'The order module that `ORDER_MODULE` names cannot be loaded or is incomplete.',
    fix: 'Correct the module; the error names what is missing.',
  },
  ORDER_MODULE_NOT_FOUND: {
    meaning: 'There is no file or package that `ORDER_MODULE` names.',
    fix: 'Set `ORDER_MODULE` to a file, such as `./my-order.js`, or to an installed package. A file is relative to the working directory.',
  },
  PACKAGE_MISSING: {
    meaning: 'A setting needs an npm package that is not installed with order-ingest.',
    fix: 'Install the package that the message names, or add it to the container image.',
  },
  PARTITION_NOT_FOUND: {
    meaning: 'The topic has no partition with this number.',
    fix: 'Give a number within the range in the message.',
  },
  PAYLOAD_KEY_UNKNOWN: {
    meaning:
      'A payload in Temporal is encrypted with a key that `TEMPORAL_PAYLOAD_KEYS` does not have.',
    fix: 'Add the key that the message names to `TEMPORAL_PAYLOAD_KEYS` of this program. Failed calls are retried.',
  },
  PAYLOAD_UNDECODABLE: {
    meaning:
      'An encrypted payload in Temporal was changed, or encrypted with another key under the same ID.',
    fix: 'Give all programs the same keys; find out who may write to Temporal and its database.',
  },
  PRODUCE_FORMAT_UNSUPPORTED: {
    meaning:
      '`produce` sends JSON, and generated orders have no envelope; the topic has another format (`KAFKA_VALUE_FORMAT`) or envelopes (`ORDER_PAYLOAD_POINTER`). Nothing was sent.',
    fix: 'Send orders with a serializer of that format, or an NDJSON file with envelopes.',
  },
  RANGE_INVALID: {
    meaning: 'The range of offsets is empty, or lies outside what the topic still has.',
    fix: 'Give offsets within the range in the message.',
  },
  SAMPLES_UNAVAILABLE: {
    meaning:
      'The order module has no sample orders, so that `produce --sample` has nothing to send.',
    fix: 'Add `samples` to the module, or send the lines of an NDJSON file.',
  },
  SCHEMA_REGISTRY_FAILED: {
    meaning:
      'The schema registry answered with an error, or with something that is not the answer of a schema registry.',
    fix: 'Check that `SCHEMA_REGISTRY_URL` is the URL of a Confluent-compatible API, and look at the log of the registry.',
  },
  SCHEMA_REGISTRY_LOGIN_REJECTED: {
    meaning: 'The schema registry rejected the credentials, or does not let them read schemas.',
    fix: 'Correct `SCHEMA_REGISTRY_USERNAME` and `SCHEMA_REGISTRY_PASSWORD`, or `SCHEMA_REGISTRY_TOKEN`.',
  },
  SCHEMA_REGISTRY_UNREACHABLE: {
    meaning:
      'The schema registry did not respond within `SCHEMA_REGISTRY_TIMEOUT_MS`, or could not be reached.',
    fix: 'Check `SCHEMA_REGISTRY_URL` and that the registry is running.',
  },
  SEARCH_ATTRIBUTES_FULL: {
    meaning: 'The Temporal namespace has no room for the search attributes.',
    fix: 'Remove an unused one, or use a namespace of its own.',
  },
  SEARCH_ATTRIBUTES_MISSING: {
    meaning: 'The Temporal namespace lacks search attributes, or has them with another type.',
    fix: 'Run `order-ingest setup --only temporal`, or follow the advice in the message.',
  },
  SEARCH_ATTRIBUTES_UNKNOWN: {
    meaning: 'The credentials do not allow listing the search attributes of the namespace.',
    fix: 'Look for them in the settings of the namespace.',
  },
  SETTINGS_INVALID: {
    meaning:
      'One or more settings are missing or have an invalid value. The message lists all of them.',
    fix: 'Correct them; docs/configuration.md explains every setting.',
  },
  SOURCE_UNREADABLE: {
    meaning:
      'One of the servers that a command reads from could not be read, so the answer would be incomplete.',
    fix: 'Fix what the message names and run the command again.',
  },
  TEMPORAL_CALL_UNKNOWN: {
    meaning: 'The Temporal server does not implement the call (UNIMPLEMENTED).',
    fix: 'Check that `TEMPORAL_ADDRESS` is that of a Temporal frontend; upgrade the server if it is old.',
  },
  TEMPORAL_CLIENT_CERTIFICATE_REJECTED: {
    meaning:
      'Temporal rejected the client certificate: it is missing, has expired, or is not signed by an authority that the server accepts.',
    fix: 'Set `TEMPORAL_TLS_CLIENT_CERT_PATH` and `TEMPORAL_TLS_CLIENT_KEY_PATH` to a valid certificate and its key.',
  },
  TEMPORAL_FAILED: {
    meaning: 'Temporal failed internally (INTERNAL, UNKNOWN, DATA_LOSS or ABORTED).',
    fix: 'Look at the log of the server and at its database, then try again.',
  },
  TEMPORAL_LOGIN_REJECTED: {
    meaning: 'Temporal rejected the credentials (UNAUTHENTICATED).',
    fix: 'Set `TEMPORAL_API_KEY`, or the TLS client certificate, to credentials that are valid.',
  },
  TEMPORAL_NAMESPACE_MISSING: {
    meaning: 'The Temporal namespace does not exist.',
    fix: 'Correct `TEMPORAL_NAMESPACE`, or create the namespace.',
  },
  TEMPORAL_NOT_FOUND: {
    meaning: 'Temporal did not find what the call named (NOT_FOUND).',
    fix: 'Check `TEMPORAL_NAMESPACE`.',
  },
  TEMPORAL_PERMISSION_DENIED: {
    meaning: 'The credentials do not permit the call (PERMISSION_DENIED).',
    fix: 'Check that they may read and write the namespace, and that `TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE` belong together.',
  },
  TEMPORAL_REQUEST_INVALID: {
    meaning: 'Temporal rejected the request as invalid.',
    fix: 'Correct `--query` if you gave one, or the setting that the message names.',
  },
  TEMPORAL_SERVER_CERTIFICATE_INVALID: {
    meaning:
      'The certificate of the Temporal server has expired, is for another name, or is not signed by a trusted authority.',
    fix: 'Renew it, set `TEMPORAL_TLS_SERVER_NAME` to a name that is in it, or `TEMPORAL_TLS_SERVER_CA_CERT_PATH` to the authority that signed it.',
  },
  TEMPORAL_THROTTLED: {
    meaning: 'Temporal throttled the call (RESOURCE_EXHAUSTED).',
    fix: 'Try again later, or raise the limit of the namespace.',
  },
  TEMPORAL_TIMEOUT: {
    meaning: 'Temporal did not answer in time (DEADLINE_EXCEEDED).',
    fix: 'Check `TEMPORAL_ADDRESS`, the load of the server and of its database, and the network.',
  },
  TEMPORAL_TLS_NOT_SUPPORTED: {
    meaning: 'The settings enable TLS, but the Temporal server does not use it.',
    fix: 'Remove the `TEMPORAL_TLS*` settings, or enable TLS in the server.',
  },
  TEMPORAL_TLS_REQUIRED: {
    meaning: 'The Temporal server expects TLS, but the settings do not enable it.',
    fix: 'Set `TEMPORAL_TLS=true`, and `TEMPORAL_TLS_SERVER_CA_CERT_PATH` if a private authority signs its certificate.',
  },
  TEMPORAL_UNREACHABLE: {
    meaning: 'No connection to Temporal could be opened.',
    fix: 'Check `TEMPORAL_ADDRESS`, that the server is running, and `TEMPORAL_TLS` if it expects TLS.',
  },
  TEMPORAL_VISIBILITY_MISSING: {
    meaning:
      'The database that `TEMPORAL_VISIBILITY_DATABASE_URL` names has no visibility table of Temporal.',
    fix: 'Set it to the database of `visibilityStore` in the configuration of the Temporal server, usually `temporal_visibility`. With Elasticsearch or MySQL there is nothing to tune.',
  },
  TEMPORAL_VISIBILITY_UNSUPPORTED: {
    meaning: 'The visibility schema of Temporal is too old to have search attributes.',
    fix: 'Upgrade the Temporal server and its schemas first.',
  },
  TOPIC_REQUIRED: {
    meaning:
      '`KAFKA_TOPIC` lists several topics, and the command is about one: a partition, an offset or a dead letter of one of them.',
    fix: 'Choose one with `--topic`.',
  },
  TOPIC_UNKNOWN: {
    meaning: 'The topic given with `--topic` is not listed in `KAFKA_TOPIC`.',
    fix: 'Choose one that is, or correct `KAFKA_TOPIC`.',
  },
  UNEXPECTED: {
    meaning: 'An unexpected error, most likely a bug in order-ingest.',
    fix: 'Run the command again with `--verbose` before it, and report the output.',
  },
  WORKER_NOT_RELEASED: {
    meaning:
      'The Temporal worker failed repeatedly and the SDK did not release the failed ones, so the process ends.',
    fix: 'Find the cause in the log (`worker_failed`, `worker_not_released`), fix it and start the worker again.',
  },
  WORKFLOW_NOT_AN_ORDER: {
    meaning:
      'A workflow with the ID of the order exists, but was not started with the message of an order.',
    fix: 'Send the order to the topic instead.',
  },
} as const satisfies Readonly<Record<string, ErrorDescription>>;

interface ErrorDescription {
  readonly meaning: string;
  readonly fix: string;
}

export type ErrorCode = keyof typeof ERRORS;

/** The text of docs/errors.md. */
export const errorReference = (): string =>
  `# Errors

<!-- Generated by \`npm run docs\` from src/program/error-codes.ts. Change it there. -->

An error is printed as \`order-ingest: CODE: message\`, followed by \`Fix:\` and what to do. The codes are
stable across versions; the wording of messages is not. Errors are on standard error, as text; the log, on standard
output, does not contain them.

| code | meaning | fix |
| --- | --- | --- |
${Object.entries(ERRORS)
  .map(([code, { meaning, fix }]) => `| \`${code}\` | ${meaning} | ${fix} |`)
  .join('\n')}
`;
