import { INGEST_ORDER } from '../../contract/ingest-workflow.ts';
import { FAILURE_TYPE } from '../../contract/workflow-metadata.ts';
import { quoted, startsWith } from '../../temporal/visibility-query.ts';
import type { OrderStatus } from '../../temporal/order-workflow.ts';

/** Which orders a command is about. */
export interface OrderFilter {
  readonly statuses?: readonly OrderStatus[] | undefined;
  /** A failure type such as `OrderInvalid`. */
  readonly failureType?: string | undefined;
  /** Milliseconds since 1970: when the run ended or, while it runs or where any status will do, began. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** More conditions, in the language of Temporal's visibility. */
  readonly query?: string | undefined;
}

/** The filter in the language of Temporal's visibility. */
export function orderQuery(workflowIdPrefix: string, filter: OrderFilter): string {
  const { statuses, failureType, since, until, query } = filter;
  const time = statuses && !statuses.includes('running') ? 'CloseTime' : 'StartTime';
  return [
    `WorkflowType = ${quoted(INGEST_ORDER)}`,
    ...startsWith('WorkflowId', workflowIdPrefix),
    ...(statuses
      ? [`ExecutionStatus IN (${statuses.map((status) => quoted(NAMES[status])).join(', ')})`]
      : []),
    ...(failureType === undefined ? [] : [`${FAILURE_TYPE.name} = ${quoted(failureType)}`]),
    ...(since === undefined ? [] : [`${time} >= ${instant(since)}`]),
    ...(until === undefined ? [] : [`${time} < ${instant(until)}`]),
    ...(query === undefined ? [] : [`(${query})`]),
  ].join(' AND ');
}

const instant = (milliseconds: number) => quoted(new Date(milliseconds).toISOString());

/** Temporal's own names. */
const NAMES: Readonly<Record<OrderStatus, string>> = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  'timed-out': 'TimedOut',
};
