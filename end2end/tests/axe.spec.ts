// Every page, with the demo week in it: no finding of axe, light and dark, 320 and 1280 px wide, no sideways scrolling,
// no complaint in the console, nothing but the keyboard needed. Public pages set no cookie and load no script but the
// one that keeps them up to date.

import { type Page, expect, test } from '@playwright/test';
import { complaints, expectAccessible } from '../harness/a11y.ts';
import { crawl } from '../harness/crawl.ts';
import { walk } from '../harness/keyboard.ts';
import { link } from '../harness/mail.ts';
import { World } from '../harness/world.ts';
import { enter, signIn } from '../pages/people.ts';
import { tick } from '../pages/plan.ts';
import { confirm, subscribe } from '../pages/public.ts';

/** The time a person takes for a form; the clock of this world is the system's. */
const typing = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);

/** One of the people of the demo. */
const ADMIN = { email: 'ada@northwind.example', password: 'demo-admin-ada' };

const isTeam = (path: string) => /^\/(admin|sign-in|sign-out|setup|password)\b/.test(path);

let world: World;
test.beforeAll(async () => {
  world = await World.begin({ demo: true });
});
test.afterAll(() => world?.end());

async function look(page: Page): Promise<void> {
  expect.soft(await page.locator('h1').count(), `one h1 on ${page.url()}`).toBe(1);
  await expectAccessible(page);
}

test('public pages', async ({ page, context }) => {
  test.setTimeout(240_000);
  const heard = complaints(page);
  const foreign: string[] = [];
  page.on('request', (request) => {
    const isLive = request.url().startsWith(`${world.url}/assets/`) && request.url().endsWith('/live.js');
    const isScript = (request.resourceType() === 'script' && !isLive) || request.url().endsWith('.wasm');
    if (isScript || !request.url().startsWith(world.url)) foreign.push(request.url());
  });
  page.on('response', async (response) => {
    if (await response.headerValue('set-cookie')) foreign.push(`a cookie by ${response.url()}`);
  });
  const doors = ['/', '/subscribe', '/subscribe/sent', '/history', '/announcements'];
  const thisMonth = new Date().toISOString().slice(0, 7);
  const visited = await crawl(
    page,
    world.url,
    { from: [...doors, `/announcements/month/${thisMonth}`], within: (path) => !isTeam(path), ofOneKind: 4 },
    () => look(page),
  );
  const kinds = ['/maintenance/', '/announcements/category/', '/announcements/month/', '/charts/', '/reports/', '/components/'];
  for (const kind of kinds) {
    expect(visited.some((path) => path.startsWith(kind)), kind).toBe(true);
  }
  expect(await context.cookies()).toEqual([]);
  expect(foreign).toEqual([]);
  expect(heard).toEqual([]);
});

test('pages of the team', async ({ page }) => {
  test.setTimeout(360_000);
  const heard = complaints(page);
  await subscribe(page, world.url, typing, 'reader@example.net');
  await signIn(page, world.url, ADMIN);
  const visited = await crawl(
    page,
    world.url,
    { from: ['/admin', '/admin/account', '/sign-out'], within: isTeam, ofOneKind: 2 },
    () => look(page),
  );
  const places = [
    ...['maintenances', 'calendar', 'series', 'freezes', 'redundancy', 'hosts', 'findings', 'jobs', 'runs', 'drills'],
    ...['metrics', 'reports', 'report-figures', 'announcements', 'action-items', 'components', 'corrections', 'templates'],
    ...['subscribers', 'deliveries', 'webhooks', 'people', 'tokens', 'audit', 'settings'],
  ];
  for (const place of places) {
    expect(visited).toContain(`/admin/${place}`);
  }
  const kinds = [/^\/admin\/subscribers\/[^/]+$/, /^\/admin\/deliveries\/[^/]+\/[^/]+$/, /^\/admin\/action-items\/[^/]+$/];
  kinds.push(/^\/admin\/webhooks\/(?!new$)[^/]+$/);
  for (const one of [...kinds, /^\/admin\/announcements\/[^/]+\/edit$/, /^\/admin\/incidents\/[^/]+\/post-mortem$/]) {
    expect(visited.some((path) => one.test(path)), String(one)).toBe(true);
  }
  expect(heard).toEqual([]);
});

test('a long name that breaks nowhere', async ({ page }) => {
  await signIn(page, world.url, ADMIN);
  await page.goto(`${world.url}/admin/components`);
  await page.getByRole('link', { name: 'Cluster 14' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('softwareverteilungsserver-12.frankfurt.example.net');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('softwareverteilungsserver');
  for (const path of ['/', `/admin/reports/${new Date().toISOString().slice(0, 7)}`, '/admin/incidents/new']) {
    await page.goto(world.url + path);
    await expect(page.getByText('softwareverteilungsserver-12.frankfurt.example.net').first()).toBeVisible();
    await look(page);
  }
});

test('forms that come back with errors, and pages that are not there', async ({ page }) => {
  test.setTimeout(240_000);
  for (const path of ['/nowhere', '/maintenance/nowhere', '/incidents/nowhere', '/subscribe/confirm/nowhere', '/setup/nowhere']) {
    const response = await page.goto(world.url + path);
    expect(response?.status(), path).toBe(404);
    await look(page);
  }
  await page.goto(`${world.url}/subscribe`);
  await submitEmpty(page);
  await look(page);
  await enter(page, world.url, { ...ADMIN, password: 'something else' });
  await look(page);
  await signIn(page, world.url, ADMIN);
  await page.goto(`${world.url}/admin/maintenances/new`);
  await submitEmpty(page, 'Keep as draft');
  await look(page);
  const forms = ['hosts/new', 'components/new', 'corrections/new', 'templates/new', 'announcements/new', 'freezes/new', 'redundancy/new'];
  const counted = ['metrics/new', 'report-figures/new', 'people/new', 'tokens/new', 'webhooks/new'];
  for (const place of [...forms, ...counted, 'settings', 'account']) {
    const path = `/admin/${place}`;
    await page.goto(world.url + path);
    await submitEmpty(page);
    await expect.soft(page.getByRole('alert').first(), path).toBeVisible();
    await look(page);
  }
});

test('a subscription, and a webhook that can not go with it', async ({ page }) => {
  const reader = 'hooks@example.net';
  await subscribe(page, world.url, typing, reader);
  await confirm(page, link(await world.mail.nth(reader, 1), '/subscribe/confirm/'));
  await page.getByRole('link', { name: 'Change', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your subscription');
  await look(page);
  await page.getByLabel('Address').fill('http://127.0.0.1/hook');
  await page.getByRole('button', { name: 'Add a webhook', exact: true }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await look(page);
});

test('a webhook whose changes are not right', async ({ page }) => {
  await signIn(page, world.url, ADMIN);
  await page.goto(`${world.url}/admin/webhooks`);
  await page.getByRole('link', { name: 'Team chat' }).click();
  await page.getByLabel('Address').fill('http://127.0.0.1/hook');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await look(page);
});

/** Sends the page's form with nothing in its fields, past the browser's own checks. */
async function submitEmpty(page: Page, label?: string): Promise<void> {
  await page.locator('main form[method=post]').first().evaluate((form: HTMLFormElement) => {
    for (const field of form.querySelectorAll<HTMLInputElement>('input:not([type=hidden], [type=checkbox], [type=radio]), textarea')) {
      field.value = '';
    }
    form.noValidate = true;
  });
  const primary = page.locator('main form[method=post] button.is-primary').first();
  const button = label ? page.getByRole('button', { name: label, exact: true }) : primary;
  const answered = page.waitForResponse((response) => response.request().method() === 'POST' && response.request().isNavigationRequest());
  await button.click();
  expect.soft((await answered).status(), page.url()).toBe(422);
  await page.waitForLoadState();
}

test('a mail is shown before it is sent, with its own styles', async ({ page }) => {
  const heard = complaints(page);
  await signIn(page, world.url, ADMIN);
  await page.goto(`${world.url}/admin/templates`);
  await page.getByRole('link', { name: 'Replacing hardware' }).click();
  await page.getByRole('button', { name: 'Preview the mail' }).click();
  await expect(page.getByText('Subject')).toBeVisible();
  const heading = page.frameLocator('iframe').getByRole('heading', { level: 1 });
  await expect(heading).toContainText('Replacing hardware behind Cluster');
  expect(await heading.evaluate((element) => getComputedStyle(element).fontSize)).toBe('24px');
  await look(page);
  await page.getByLabel('Times for a reader in').selectOption('Asia/Tokyo');
  await page.getByRole('button', { name: 'Show it in this zone' }).click();
  await expect(page.getByLabel('Plain text of the mail')).toContainText('JST (UTC+9)');
  // axe tries to look into the frame, where no script may run.
  expect(heard.filter((line) => !line.includes("script execution in 'about:srcdoc'"))).toEqual([]);
});

test('the front page by keyboard', async ({ page }) => {
  await page.goto(world.url);
  const stops = await walk(page);
  expect(stops[0]).toMatch(/^Skip to/);
});

test('the scheduling form by keyboard', async ({ page }) => {
  await signIn(page, world.url, ADMIN);
  await page.goto(`${world.url}/admin/maintenances/new`);
  await tick(page, 'vm3');
  await expect(page.locator('#verdict')).toHaveText(/Not safe to schedule/);
  // The walk begins at the top, not at the box that was ticked.
  await page.locator('body').evaluate((body) => {
    body.tabIndex = -1;
    body.focus();
    body.removeAttribute('tabindex');
  });
  const stops = await walk(page);
  expect(stops).toContain('Keep as draft');
});
