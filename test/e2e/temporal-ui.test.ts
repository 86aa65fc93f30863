import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { startProgram } from '../support/programs.ts';
import { startOwnServer, type OwnServer } from '../support/own-server.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** What an operator sees in the Temporal UI, in a real browser. */
let postgres: OwnServer;
let system: TestSystem;
let browser: Browser;
let page: Page;
/** Of each step in the browser. */
const STEP_TIMEOUT_MS = 120_000;
beforeAll(async () => {
  postgres = await startOwnServer('postgres');
  system = await createTestSystem({ databaseUrl: postgres.address });
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1440, height: 1150 } });
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
});
afterAll(async () => {
  await browser.close();
  await postgres.start();
  await system.close();
  await postgres.remove();
});

/** Updates the screenshots in the documentation: `SCREENSHOTS=1 npm test -- temporal-ui`. */
async function screenshot(name: string, height = 1150): Promise<void> {
  if (!process.env['SCREENSHOTS']) return;
  const dir = path.join(import.meta.dirname, '../../docs/images');
  mkdirSync(dir, { recursive: true });
  const clip = { x: 0, y: 0, width: 1440, height };
  await page.screenshot({ path: path.join(dir, `${name}.png`), clip });
}

const namespaceUrl = () =>
  `${stackAddress('TEMPORAL_UI')}/namespaces/${stackAddress('TEMPORAL_NAMESPACE')}`;

async function openWorkflow(orderId: string, of = system, at = page): Promise<void> {
  const { workflowExecutionInfo } = await of.client.workflowService.describeWorkflowExecution({
    namespace: stackAddress('TEMPORAL_NAMESPACE'),
    execution: { workflowId: of.workflowId(orderId) },
  });
  const { workflowId, runId } = workflowExecutionInfo?.execution ?? {};
  await at.goto(
    `${namespaceUrl()}/workflows/${encodeURIComponent(workflowId ?? '')}/${runId ?? ''}/history`,
  );
}

/** Waits until the page, which refreshes itself, shows all of these. */
const pageShows = (...texts: (string | RegExp)[]) => shows(page, ...texts);

const shows = (shown: Page, ...texts: (string | RegExp)[]) =>
  eventually(async () => {
    // The UI renders summaries and details in iframes.
    const frames = shown
      .frames()
      .map((frame) => frame.locator('body').innerText({ timeout: STEP_TIMEOUT_MS / 4 }));
    const text = (await Promise.all(frames)).join('\n');
    for (const expected of texts) expect(text).toMatch(expected);
  });

beforeAll(() => Promise.all([system.startBridge(), system.startWorker()]));

test('an order shows its retries and their cause while Postgres is down, and completes once it recovers', async () => {
  await postgres.kill();
  await system.topic.send([{ key: 'A-1001', value: orderText('A-1001') }]);
  await eventually(async () => {
    const { raw } = await system.workflow('A-1001').describe();
    expect(raw.pendingActivities?.[0]?.attempt).toBeGreaterThanOrEqual(4);
  });
  await openWorkflow('A-1001');
  await pageShows(
    /Attempt ([4-9]|\d\d) \/ ∞/i,
    /Next Retry \d+/i,
    'storeOrder',
    'store the order in Postgres',
  );
  await screenshot('retries');
  await page.getByText('Pending Activities').first().click();
  await pageShows('storeOrder', /ECONNREFUSED/);
  // Without the stack trace, which contains paths of this machine.
  await screenshot('last-failure', 555);
  await page.getByText('User Metadata').first().click();
  await pageShows(`${system.topic.name}, partition 0, offset 0`);
  // Reload, which queries the workflow for its current details.
  await page.keyboard.press('r');
  await pageShows(/Storing the order .* since \d{4}-/);
  await postgres.start();
  await system.workflow('A-1001').result();
  await openWorkflow('A-1001');
  await pageShows('Completed', '"stored"');
});

test('filters by failure type find failed orders and their cause', async () => {
  await system.topic.send([
    { key: 'A-1002', value: orderText('A-1002', { line_items: '[]' }) },
    { key: 'A-1003', value: orderText('A-1003') },
  ]);
  await eventually(async () => {
    expect(await system.status('A-1002')).toBe('FAILED');
    expect(await system.status('A-1003')).toBe('COMPLETED');
  });
  const query = `FailureType = "OrderInvalid" AND SourceTopic = "${system.topic.name}"`;
  await page.goto(`${namespaceUrl()}/workflows?query=${encodeURIComponent(query)}`);
  await pageShows(system.workflowId('A-1002'));
  expect(await page.locator('body').innerText()).not.toContain(system.workflowId('A-1003'));
  await screenshot('failed-orders', 560);
  await openWorkflow('A-1002');
  await pageShows('Failed', 'OrderInvalid', /line_items/);
});

test('shows encrypted orders only to a browser that has logged in at the codec server', async () => {
  const keys = { TEMPORAL_PAYLOAD_KEYS: `ui-test:${randomBytes(32).toString('base64')}` };
  const token = randomBytes(16).toString('hex');
  const encrypted = await createTestSystem();
  const codecServer = await startProgram('codec-server', {
    ...keys,
    CODEC_SERVER_PORT: '0',
    CODEC_SERVER_TOKEN: token,
    TEMPORAL_UI: stackAddress('TEMPORAL_UI'),
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 1150 } });
  context.setDefaultTimeout(STEP_TIMEOUT_MS);
  try {
    await Promise.all([encrypted.startBridge(keys), encrypted.startWorker(keys)]);
    await encrypted.topic.send([
      { key: 'A-1004', value: orderText('A-1004', { line_items: '[]' }) },
      { key: 'A-1005', value: orderText('A-1005') },
    ]);
    await encrypted.allCommitted();
    const { port } = await codecServer.logged('http_listening');
    const endpoint = `http://127.0.0.1:${String(port)}`;
    const tab = await context.newPage();
    // What the UI keeps when a person enters the address of a codec server and ticks "Include cross-origin credentials".
    const settings = { endpoint, includeCredentials: true, overrideRemoteCodecConfiguration: true };
    const entries = Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)]);
    await context.addInitScript(
      `for (const [name, value] of ${JSON.stringify(entries)}) localStorage.setItem(name, value);`,
    );
    const refused = tab.waitForResponse((response) => response.status() === 401);
    await openWorkflow('A-1004', encrypted, tab);
    expect((await refused).url()).toContain(`${endpoint}/decode`);
    await shows(tab, encrypted.workflowId('A-1004'), /Codec Server could not connect/i);
    expect(await tab.locator('body').innerText()).not.toMatch(/Lovelace|line_items/);

    await tab.goto(`${endpoint}/login`);
    await tab.getByLabel('Token').fill(token);
    await tab.getByRole('button').click();
    await shows(tab, /may decode payloads/);
    await openWorkflow('A-1004', encrypted, tab);
    await shows(tab, /Not a valid order: .*line_items/, /Lovelace/);
    await openWorkflow('A-1005', encrypted, tab);
    await shows(tab, 'Completed', '"stored"', /Lovelace/);
  } finally {
    await context.close();
    await codecServer.end('SIGTERM');
    await encrypted.close();
  }
});
