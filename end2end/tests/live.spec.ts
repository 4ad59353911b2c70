// Two customers look on while something is broken: what is said appears on their open pages within a moment, is said
// once to those who listen, and moves nothing under their fingers. Without scripts the page asks again by itself.

import { type BrowserContext, type Page, expect, test } from '@playwright/test';
import { Api } from '../harness/api.ts';
import { complaints, expectAccessible } from '../harness/a11y.ts';
import { World } from '../harness/world.ts';
import { makeToken, nameSite, setUp, signIn, signOut } from '../pages/people.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };

/** What a page may take from the commit to its readers; two browsers share the machine with the server. */
const SOON = { timeout: 3_000 };

test.describe.configure({ mode: 'serial' });

let world: World;
let browsers: BrowserContext[];
let front: Page;
let detail: Page;
let heard: string[];
let api: Api;
let cluster: string;
let incident: string;

test.beforeAll(async ({ browser }) => {
  world = await World.begin();
  browsers = await Promise.all([browser.newContext(), browser.newContext()]);
  [front, detail] = (await Promise.all(browsers.map((context) => context.newPage()))) as [Page, Page];
  heard = [front, detail].flatMap((page) => complaints(page));
  const admin = await browser.newPage();
  await setUp(admin, await world.server.setupLink(), ADMIN);
  await nameSite(admin, world.url, 'Northwind Hosting', 'Europe/Berlin');
  const token = await makeToken(admin, world.url, 'script', ['inventory:write', 'incident:write', 'read']);
  await signOut(admin, world.url);
  await admin.close();
  api = new Api(world.url, world.front.certificate, token);
  const group = await api.group('Clusters');
  cluster = await api.component('Cluster 12', group);
  await api.component('Cluster 14', group);
});

test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && world) {
    void info.attach('server.log', { body: world.log(200), contentType: 'text/plain' });
  }
});

test.afterAll(async () => {
  await Promise.all((browsers ?? []).map((context) => context.close()));
  await world?.end();
});

const region = (page: Page) => page.getByRole('status');

async function say(state: string, body: string, component?: string): Promise<void> {
  const components = component ? [{ id: cluster, state: component }] : [];
  await api.post(`/incidents/${incident}/updates`, { state, body, components });
}

/** Counts what the region says from now on, and remembers the page: a new one would have forgotten. */
async function listen(page: Page): Promise<void> {
  await region(page).evaluate((node) => {
    const said: string[] = [];
    Object.assign(window, { said });
    new MutationObserver(() => said.push(node.textContent ?? '')).observe(node, { childList: true, characterData: true, subtree: true });
  });
}

const said = (page: Page) => page.evaluate(() => (window as unknown as { said: string[] }).said);

test('an incident appears on the front page that is open', async () => {
  await front.goto(world.url);
  await expect(front.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
  await front.locator('.zone summary').focus();
  await expect(region(front)).toHaveCount(1);
  await listen(front);
  incident = (
    await api.post<{ id: string }>('/incidents', {
      title: 'vm3 is gone',
      body: 'We are **looking** for the cause.',
      components: [{ id: cluster, state: 'partial_outage' }],
    })
  ).id;
  await expect(front.getByRole('heading', { level: 1 })).toHaveText('Partial outage on Cluster 12', SOON);
  await expect(front).toHaveTitle(/^Partial outage on Cluster 12/);
  await expect(region(front)).toHaveText('Cluster 12: Partial outage. Update: Investigating: We are looking for the cause.');
  await expect(front.locator('.zone summary')).toBeFocused();
});

test('three updates are seen on both pages, said once each, and the focus stays', async () => {
  await detail.goto(`${world.url}/incidents/${incident}`);
  await expect(region(detail)).toHaveCount(1);
  await listen(detail);
  const link = detail.getByRole('main').getByRole('link', { name: 'Subscribe' });
  await link.focus();
  const group = front.locator('details.group summary');
  await group.focus();
  await front.evaluate(() => document.querySelector('main')?.setAttribute('data-seen', 'before'));
  for (const [state, words, component, first] of [
    ['identified', 'Both disks are dead.', 'major_outage', 'Cluster 12: Major outage. Update: Identified: Both disks are dead.'],
    ['monitoring', 'The restore runs.', undefined, 'Update: Monitoring: The restore runs.'],
    ['monitoring', 'Most sites are back.', 'degraded_performance', 'Cluster 12: Degraded performance. Update: Monitoring: Most sites are back.'],
  ] as const) {
    await say(state, words, component);
    for (const page of [front, detail]) {
      await expect(page.locator('ol.timeline > li').first()).toContainText(words, SOON);
      await expect(region(page)).toHaveText(first);
    }
    await expect(link).toBeFocused();
    await expect(group).toBeFocused();
  }
  expect(await said(detail)).toHaveLength(3);
  expect(await said(front)).toHaveLength(4);
  await expect(detail.locator('ol.timeline > li')).toHaveCount(4);
  await expect(front.locator('details.group')).toHaveAttribute('open', '');
  for (const page of [front, detail]) await expectAccessible(page);
});

test('two updates in one breath are both said, in their order', async () => {
  await say('monitoring', 'The last sites start.');
  await say('monitoring', 'All but one are back.');
  for (const page of [front, detail]) {
    await expect(page.locator('ol.timeline > li').first()).toContainText('All but one are back.', SOON);
    await expect
      .poll(async () => (await said(page)).join(' '))
      .toMatch(/Update: Monitoring: The last sites start\..*Update: Monitoring: All but one are back\.$/);
  }
});

test('a page that nobody saw for a while hears what it missed', async () => {
  await detail.context().setOffline(true);
  await say('resolved', 'All is well.');
  await expect(front.getByRole('heading', { level: 1 })).toHaveText('All systems operational', SOON);
  // Its card is gone from the front page, and with it what was said last: the heading tells that it is over.
  expect((await said(front)).at(-1)).toBe('Cluster 12: Operational. All systems operational.');
  await detail.context().setOffline(false);
  await expect(detail.locator('ol.timeline > li').first()).toContainText('All is well.', { timeout: 30_000 });
  await expect(detail.locator('.title .state')).toHaveText('Resolved');
  expect(heard.filter((line) => !line.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
});

test('without scripts the pages ask again by themselves, once a minute', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  for (const path of ['/', `/incidents/${incident}`]) {
    await page.goto(world.url + path);
    await expect(page.locator('head meta[http-equiv="refresh"]')).toHaveAttribute('content', '60');
    await expect(page.getByText('All is well.')).toBeVisible();
  }
  await page.goto(`${world.url}/history`);
  await expect(page.locator('meta[http-equiv="refresh"]')).toHaveCount(0);
  await context.close();
});

test('a colleague who is writing learns that others have posted, and keeps every word', async ({ browser }) => {
  const context = await browser.newContext();
  const desk = await context.newPage();
  const complained = complaints(desk);
  await signIn(desk, world.url, ADMIN);
  await desk.goto(`${world.url}/admin/incidents/${incident}`);
  const text = desk.getByLabel('What customers read').first();
  await text.pressSequentially('We will');
  await say('resolved', 'A last word.');
  await expect(region(desk).filter({ hasText: 'This page has changed.' })).toBeVisible(SOON);
  await expect(text).toBeFocused();
  await expect(text).toHaveValue('We will');
  await expectAccessible(desk);
  expect(await shownBeside(desk)).toContain('A last word.');
  await expect(text).toHaveValue('We will');
  expect(complained).toEqual([]);
  await context.close();
});

/** What the newest line says on the page that the notice leads to; it opens beside this one. */
async function shownBeside(desk: Page): Promise<string> {
  const opened = desk.context().waitForEvent('page');
  await desk.getByRole('link', { name: 'Show what is new' }).click();
  const page = await opened;
  const newest = await page.locator('ol.timeline > li').first().innerText();
  await page.close();
  return newest;
}

const notice = (page: Page) => region(page).filter({ hasText: 'This page has changed.' });

test('a form that came back is not lost by looking at what is new', async ({ browser }) => {
  const context = await browser.newContext();
  const desk = await context.newPage();
  await signIn(desk, world.url, ADMIN);
  await desk.goto(`${world.url}/admin/incidents/${incident}`);
  await say('resolved', 'One was faster.');
  const text = desk.getByLabel('What customers read').first();
  await text.fill('My own words.');
  await desk.getByRole('button', { name: /^Post/ }).click();
  await expect(desk.getByText('Posted meanwhile by others')).toBeVisible();
  await expect(text).toHaveValue('My own words.');
  await say('resolved', 'A third one, too.');
  await expect(notice(desk)).toBeVisible(SOON);
  expect(await shownBeside(desk)).toContain('A third one, too.');
  await expect(text).toHaveValue('My own words.');
  await context.close();
});

test('what could not be asked is asked again, and other incidents are no news', async ({ browser }) => {
  const context = await browser.newContext();
  const desk = await context.newPage();
  const asked: number[] = [];
  desk.on('response', (answer) => {
    if (answer.url().endsWith('/api/fn/stands')) asked.push(answer.status());
  });
  await signIn(desk, world.url, ADMIN);
  const open = `${world.url}/admin/incidents/${incident}`;
  await desk.goto(open);
  await api.post('/incidents', { title: 'Another', body: 'We look.', components: [] });
  await expect.poll(() => asked, SOON).toEqual([200]);
  await expect(notice(desk)).toHaveCount(0);
  let refused = 0;
  await desk.route('**/api/fn/stands', async (route) => {
    if (refused++ > 0) return route.continue();
    return route.fulfill({ status: 503, body: '""' });
  });
  await say('resolved', 'Said while nobody answered.');
  await expect.poll(() => refused, SOON).toBe(1);
  await expect(notice(desk)).toBeVisible({ timeout: 15_000 });
  expect(asked).toEqual([200, 503, 200]);
  expect(desk.url()).toBe(open);
  await context.close();
});

test('a stream that was refused is opened again, and what came meanwhile is told', async ({ browser }) => {
  const context = await browser.newContext();
  const desk = await context.newPage();
  await desk.clock.install();
  await signIn(desk, world.url, ADMIN);
  let refused = 0;
  await desk.route('**/events?*', (route) => {
    refused += 1;
    return route.fulfill({ status: 503, body: 'All places are taken.' });
  });
  await desk.goto(`${world.url}/admin/incidents/${incident}`);
  await expect.poll(() => refused).toBe(1);
  await desk.clock.runFor(1_000);
  await say('resolved', 'Said where nobody listened.');
  await desk.clock.runFor(61_000);
  await expect(notice(desk)).toBeVisible(SOON);
  await context.close();
});

test('the page of a draft says that a colleague has edited it, and one’s own form is no news', async ({ browser }) => {
  const context = await browser.newContext();
  const desk = await context.newPage();
  await desk.clock.install();
  await signIn(desk, world.url, ADMIN);
  const draft = await api.post<{ id: string }>('/incidents', { title: 'Perhaps', body: 'We look.', draft: true });
  await desk.goto(`${world.url}/admin/incidents/${draft.id}`);
  await api.patch(`/incidents/${draft.id}`, { version: 1, title: 'Perhaps not' });
  await desk.clock.runFor(61_000);
  await expect(notice(desk)).toBeVisible(SOON);

  await desk.goto(`${world.url}/admin/incidents/${incident}`);
  let held: (() => void) | undefined;
  await desk.route(`**/admin/incidents/${incident}`, async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const answer = await route.fetch({ maxRedirects: 0 });
    await new Promise<void>((go) => (held = go));
    return route.fulfill({ response: answer });
  });
  let asked = 0;
  desk.on('request', (request) => (asked += Number(request.url().endsWith('/api/fn/stands'))));
  await desk.getByLabel('What customers read').first().fill('By me.');
  await desk.getByRole('button', { name: /^Post/ }).click({ noWaitAfter: true });
  await expect.poll(() => held !== undefined).toBe(true);
  await new Promise((go) => setTimeout(go, 2_000));
  expect(asked).toBe(0);
  held?.();
  await expect(desk).toHaveURL(/done=posted/);
  await context.close();
});

test('a server that stops does not wait for open pages', async () => {
  const since = Date.now();
  await world.server.stop();
  expect(Date.now() - since).toBeLessThan(5_000);
});
