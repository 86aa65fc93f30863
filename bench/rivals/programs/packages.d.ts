/**
 * What the programs use of packages that `npm ci` does not install, so that they can be type-checked and linted
 * without them. The benchmark installs the packages, and checks the programs with their own types.
 */
declare module '@dbos-inc/dbos-sdk' {
  export const DBOS: {
    setConfig(config: {
      readonly name: string;
      readonly systemDatabaseUrl: string;
      readonly logLevel: string;
    }): void;
    registerWorkflow<Args extends unknown[], Result>(
      workflow: (...args: Args) => Promise<Result>,
      config: { readonly name: string },
    ): (...args: Args) => Promise<Result>;
    registerQueue(name: string): Promise<unknown>;
    launch(): Promise<void>;
    startWorkflow<Args extends unknown[], Result>(
      workflow: (...args: Args) => Promise<Result>,
      params: { readonly workflowID: string; readonly queueName: string },
    ): (...args: Args) => Promise<unknown>;
    runStep<Result>(
      step: () => Promise<Result>,
      config: {
        readonly name: string;
        readonly retriesAllowed: boolean;
        readonly maxAttempts: number;
        readonly shouldRetry: (error: unknown) => boolean;
      },
    ): Promise<Result>;
    shutdown(options: { readonly workflowCompletionTimeoutMS: number }): Promise<void>;
  };
}

declare module '@dbos-inc/kafkajs-receive' {
  import type { KafkaConfig, KafkaMessage } from 'kafkajs';

  export class KafkaReceiver {
    constructor(config: KafkaConfig);
    registerConsumer<Result>(
      workflow: (topic: string, partition: number, message: KafkaMessage) => Promise<Result>,
      topic: string,
      options: { readonly config: { readonly groupId: string } },
    ): void;
  }
}

declare module '@restatedev/restate-sdk' {
  export class TerminalError extends Error {}
  export interface ObjectContext {
    request(): { readonly headers: ReadonlyMap<string, string> };
    run<Result>(name: string, action: () => Promise<Result>): Promise<Result>;
  }
  export const serde: { readonly binary: unknown };
  export const handlers: {
    readonly object: {
      exclusive(
        options: { readonly input: unknown },
        handler: (context: ObjectContext, value: Uint8Array) => Promise<unknown>,
      ): unknown;
    };
  };
  export function object(definition: {
    readonly name: string;
    readonly handlers: Readonly<Record<string, unknown>>;
  }): unknown;
  export function serve(options: {
    readonly services: unknown[];
    readonly port: number;
  }): Promise<number>;
}
