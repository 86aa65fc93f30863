import { execa } from 'execa';
import pg from 'pg';
import { createOwnDatabase } from '../../test/support/database.ts';
import { orderText } from '../harness/orders.ts';
import { openSystem } from './open-system.ts';
import { rivalFile } from './packages.ts';
import type { OpenRival, Rival } from './rival.ts';
import { startRivalProgram } from './run-program.ts';

/** A DBOS application, with its system database on the same Postgres server as the orders. */
export const dbos = (workflowOf: 'message' | 'order', name: string): Rival => ({
  name,
  count: workflowOf === 'message' ? 7500 : 15_000,
  hasServer: false,
  async open(): Promise<OpenRival> {
    const opened = await openSystem();
    const { topic, database, env } = opened;
    const system = await createOwnDatabase();
    const pool = new pg.Pool({ connectionString: system.url });
    // The benchmark may ask before DBOS has created its tables.
    const query = async <Row extends pg.QueryResultRow>(sql: string) => {
      const exists = await pool.query(
        "SELECT 1 WHERE to_regclass('dbos.workflow_status') IS NOT NULL",
      );
      return exists.rows.length === 0 ? [] : (await pool.query<Row>(sql)).rows;
    };
    return {
      topic,
      database,
      table: 'orders',
      messageOf: orderText,
      groupId: topic.groupId,
      start: () =>
        startRivalProgram('service', 'dbos-service.ts', {
          args: [workflowOf],
          env: { ...env, SYSTEM_DATABASE_URL: system.url },
        }),
      async taken() {
        const [row] = await query<{ count: string }>(
          'SELECT count(*) FROM dbos.workflow_status WHERE forked_from IS NULL',
        );
        return Number(row?.count ?? 0);
      },
      async kept() {
        const rows = await query<{ id: string; error: string }>(
          "SELECT workflow_uuid AS id, o.error FROM dbos.workflow_status JOIN dbos.workflow_output o USING (workflow_uuid) WHERE status = 'ERROR'",
        );
        return rows.map(({ id, error }) => ({ as: 'failed workflow', reason: error, id }));
      },
      rerun: {
        how: '`dbos workflow fork`',
        async run(workflowId) {
          const dbosCommand = rivalFile('@dbos-inc/dbos-sdk/dist/src/cli/cli.js');
          const fork = ['workflow', 'fork', workflowId, '--sys-db-url', system.url];
          await execa(process.execPath, [dbosCommand, ...fork, '--step', '0']);
        },
      },
      async close() {
        await pool.end();
        await system.drop();
        await opened.close();
      },
    };
  },
});
