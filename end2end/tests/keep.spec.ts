// Several forms stand on the page of an incident. Whichever is sent, what was typed in the others is still there
// afterwards, once, and never in the place of what somebody else has stored meanwhile.

import { type BrowserContext, type Page, expect, test } from '@playwright/test';
import { Api } from '../harness/api.ts';
import { complaints, expectAccessible } from '../harness/a11y.ts';
import { World } from '../harness/world.ts';
import { makeToken, setUp, signIn, signOut } from '../pages/people.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const DRAFT = 'A second disk is dead.\n\nWe restore from the dump of 02:00.';

test.describe.configure({ mode: 'serial' });

let world: World;
let browser: BrowserContext;
let page: Page;
let heard: string[];
let api: Api;
let incident: string;

test.beforeAll(async ({ browser: started }) => {
  world = await World.begin();
  browser = await started.newContext();
  page = await browser.newPage();
  heard = complaints(page);
  await setUp(page, await world.server.setupLink(), ADMIN);
  const token = await makeToken(page, world.url, 'script', ['inventory:write', 'incident:write', 'read']);
  api = new Api(world.url, world.front.certificate, token);
  const cluster = await api.component('Cluster 12', await api.group('Clusters'));
  const { id } = await api.post<{ id: string }>('/incidents', {
    title: 'vm3 is gone',
    state: 'investigating',
    body: 'We look into it.',
    components: [{ id: cluster, state: 'major_outage' }],
  });
  incident = `${world.url}/admin/incidents/${id}`;
});

test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && world) {
    void info.attach('server.log', { body: world.log(200), contentType: 'text/plain' });
  }
});

test.afterAll(async () => {
  await browser?.close();
  await world?.end();
});

const next = () => page.locator('textarea[name=body]');
const mended = () => page.locator('textarea[name=mended]').last();
const title = () => page.getByLabel('Title');
const line = () => page.locator('[aria-live=polite]').filter({ hasText: 'What you had typed is still here.' });

async function mend(words: string): Promise<void> {
  if (!(await mended().isVisible())) await page.getByText('Mend the words').last().click();
  await mended().fill(words);
  await mended().locator('xpath=ancestor::form').getByRole('button', { name: 'Save, tell nobody' }).click();
}

async function rename(words: string): Promise<void> {
  if (!(await title().isVisible())) await page.getByText('Change title, severity or cause').click();
  await title().fill(words);
  await title().locator('xpath=ancestor::form').getByRole('button', { name: 'Save, tell nobody' }).click();
}

test('the next update stays while older words are mended', async () => {
  await page.goto(incident);
  await next().fill(DRAFT);
  await page.getByLabel('State', { exact: true }).selectOption('identified');
  await page.getByLabel('Tell subscribers').uncheck();
  await mend('We look into it now.');
  await expect(page.getByText('The words are mended.')).toBeVisible();
  await expect(next()).toHaveValue(DRAFT);
  await expect(page.getByLabel('State', { exact: true })).toHaveValue('identified');
  await expect(page.getByLabel('Tell subscribers')).not.toBeChecked();
  await expect(line()).toBeVisible();
  await expectAccessible(page);
  await page.reload();
  await expect(next()).toHaveValue('');
  await expect(line()).toBeHidden();
});

test('a form that came back keeps its words while another is sent', async () => {
  await page.goto(incident);
  await next().fill(DRAFT);
  await mend('');
  await expect(mended()).toHaveAttribute('aria-invalid', 'true');
  await expect(next()).toHaveValue(DRAFT);
  await mended().fill('Better words.');
  await rename('vm3 and vm4 are gone');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('vm3 and vm4 are gone');
  await expect(next()).toHaveValue(DRAFT);
  await expect(mended()).toBeVisible();
  await expect(mended()).toHaveValue('Better words.');
});

test('what a colleague has stored meanwhile stands, and what is posted is not there again', async () => {
  await page.goto(incident);
  await page.getByText('Change title, severity or cause').click();
  await title().fill('My title');
  const path = incident.replace(`${world.url}/admin`, '');
  const { version } = await api.get<{ version: number }>(path);
  await api.patch(path, { version, title: 'Their title' });
  await next().fill(DRAFT);
  const post = () => page.getByRole('button', { name: /^Post/ }).click();
  await post();
  await expect(page.getByText('Somebody else has written something meanwhile.')).toBeVisible();
  await expect(title()).toHaveValue('Their title');
  await post();
  await expect(page.getByText('Posted.')).toBeVisible();
  await expect(next()).toHaveValue('');
});

test('nothing is kept after signing out', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(incident);
  await next().fill(DRAFT);
  await page.evaluate(() => sessionStorage.setItem('typed:/admin', '{}'));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(`${world.url}/sign-in`);
  expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
  await signIn(page, world.url, ADMIN);
  await page.goto(incident);
  await expect(next()).toHaveValue('');
  await signOut(page, world.url);
  expect(heard.filter((line) => !/status of (409|422)/.test(line))).toEqual([]);
});
