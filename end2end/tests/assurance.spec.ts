// A freeze stands in the way, a backup is missing and is asked for, and arrives while the operator looks on; one date of
// work that repeats is moved alone; a restore is rehearsed and says how long a real one would take.

import { type BrowserContext, type Page, expect, test } from '@playwright/test';
import { Api, ask } from '../harness/api.ts';
import { complaints } from '../harness/a11y.ts';
import { World } from '../harness/world.ts';
import { makeToken, nameSite, setUp } from '../pages/people.ts';
import { PlanForm, tick } from '../pages/plan.ts';
import { openedWindow } from '../pages/window.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const ZONE = 'Europe/Berlin';

test.describe.configure({ mode: 'serial' });

let world: World;
let context: BrowserContext;
let page: Page;
let heard: string[];
let scripts: boolean;
let api: Api;
let job: { id: string; ping_url: string };

/** One whole run, as the machine with the data tells it. */
async function backUp(): Promise<void> {
  for (const signal of ['/start', '']) {
    const answer = await ask(`${job.ping_url}${signal}`, world.front.certificate, { method: 'POST' });
    expect(answer.status).toBe(200);
  }
}

test.beforeAll(async ({ browser, javaScriptEnabled }, info) => {
  scripts = javaScriptEnabled;
  const database = info.project.metadata.database === 'postgres' ? 'postgres' : 'sqlite';
  world = await World.begin({ begins: '2014-05-15T12:00:00Z', database });
  context = await browser.newContext();
  page = await context.newPage();
  heard = complaints(page);
});

test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && world) {
    void info.attach('server.log', { body: world.log(200), contentType: 'text/plain' });
  }
});

test.afterAll(() => world?.end());

test('a shop whose files were backed up once, two days ago', async () => {
  await setUp(page, await world.server.setupLink(), ADMIN);
  await nameSite(page, world.url, 'Northwind Hosting', ZONE);
  const token = await makeToken(page, world.url, 'set-up script', ['inventory:write', 'backup:report', 'read']);
  api = new Api(world.url, world.front.certificate, token);
  const web = await api.host('web-12');
  job = await api.job(await api.dataSet(web, 'files', 'files'), 'nightly', 'restic');
  await api.component('Shop', await api.group('Sites'), [web]);
  await api.post('/backup-runs', {
    job: job.id, status: 'ok', bytes: 500_000_000_000, run_id: 'tuesday',
    started_at: '2014-05-13T09:00:00Z', finished_at: '2014-05-13T10:00:00Z',
  });
});

test('a freeze is entered', async () => {
  await page.goto(`${world.url}/admin/freezes`);
  await page.getByRole('link', { name: 'Add a freeze' }).click();
  await page.getByLabel('Name').fill('Sale of the year');
  await page.getByLabel('Start', { exact: true }).fill('2014-05-16T00:00');
  await page.getByLabel('End', { exact: true }).fill('2014-05-17T00:00');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Sale of the year')).toBeVisible();
});

test('work inside it is refused, with the backup that is missing besides', async () => {
  const plan = new PlanForm(page, scripts);
  await plan.openNew(world.url);
  await plan.fill({ title: 'New disks', message: 'Short breaks.', hosts: ['web-12'], start: '2014-05-16T20:00', end: '2014-05-16T22:00', zone: ZONE });
  await plan.check();
  await expect(plan.verdict.getByText(/Sale of the year/).first()).toBeVisible();
  await expect(plan.title).toContainText('Not safe to schedule');
});

test('the missing backup is asked for, and the operator sees it arrive', async () => {
  const plan = new PlanForm(page, scripts);
  await plan.time({ start: '2014-05-17T20:00', end: '2014-05-17T22:00', zone: ZONE });
  await plan.check();
  await expect(plan.verdict.getByText(/Sale of the year/)).toHaveCount(0);
  await plan.verdict.getByRole('button', { name: 'Request all missing backups' }).click();
  await expect(page.getByText('1 backup is requested.')).toBeVisible();
  await expect(plan.verdict.getByText(/nobody has fetched it yet/)).toBeVisible();
  // The machine asks whether a run is wanted, and makes one. Nobody loads the page again.
  const asked = await api.post<{ state: string }>(`/jobs/${job.id}/requests/fetch`, {});
  expect(asked.state).toBe('fetched');
  if (!scripts) await plan.check();
  await expect(plan.verdict.getByText(/nobody has fetched it yet/)).toHaveCount(0, { timeout: 45_000 });
  await backUp();
  if (!scripts) await plan.check();
  await expect(plan.title).toContainText('Safe to schedule', { timeout: 45_000 });
  await plan.press('Schedule');
  await openedWindow(page);
  await expect(page.getByRole('heading', { name: /New disks/ })).toBeVisible();
});

test('work repeats every Tuesday, and one of its dates is moved alone', async () => {
  await page.goto(`${world.url}/admin/series`);
  await page.getByRole('link', { name: 'Plan repeating work' }).first().click();
  await page.getByLabel('What will be done').fill('Security updates');
  await tick(page, 'web-12');
  await page.getByLabel('Tuesday').check();
  await page.getByLabel('First start').fill('2014-05-20T02:00');
  await page.getByLabel('Length').fill('90 min');
  await page.getByLabel('Time zone').selectOption(ZONE);
  await page.getByRole('button', { name: 'Show the next dates' }).click();
  await page.getByRole('button', { name: 'Schedule the series' }).click();
  await expect(page).toHaveURL(/\/admin\/series\/[0-9a-f-]{36}/);
  const series = page.url();
  await page.getByRole('link', { name: 'Move 27 May 2014' }).click();
  const plan = new PlanForm(page, scripts);
  await plan.time({ start: '2014-05-28T03:00', end: '2014-05-28T04:30', zone: ZONE });
  await plan.press('Save changes');
  await openedWindow(page);
  await page.goto(series);
  const row = (date: string) => page.getByRole('row').filter({ hasText: date });
  await expect(row('Tue 27 May 2014')).toContainText('Wed 28 May 2014, 03:00–04:30');
  await expect(row('Tue 27 May 2014')).toContainText('Has a time of its own');
  await expect(row('Tue 3 Jun 2014')).toContainText('02:00–03:30');
  await expect(page.getByText('Has a time of its own')).toHaveCount(1);
});

test('a restore is rehearsed, and says how long one takes', async () => {
  await page.goto(`${world.url}/admin/drills`);
  await page.getByRole('link', { name: 'Plan a drill' }).click();
  await page.getByLabel('Whose restore is rehearsed?').selectOption({ label: 'web-12' });
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'It begins now' }).click();
  await expect(page.getByText('Running').first()).toBeVisible();
  world.clock.set('2014-05-15T15:00:00Z');
  await api.post('/backup-runs', {
    job: job.id, status: 'ok', bytes: 500_000_000_000, run_id: 'afternoon',
    started_at: '2014-05-15T14:00:00Z', finished_at: '2014-05-15T14:30:00Z',
  });
  await page.reload();
  await page.getByLabel('How much came back').fill('250 GB');
  await page.getByRole('radio', { name: /It succeeded/ }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Succeeded').first()).toBeVisible();
  // 250 GB in a little less than three hours; the newest backup of the host holds 500 GB.
  await expect(page.getByText(/About 5 h 5\d min/)).toBeVisible();
  const plan = new PlanForm(page, scripts);
  await plan.openNew(world.url);
  await plan.fill({ title: 'New disks again', message: '', hosts: ['web-12'], start: '2014-05-18T20:00', end: '2014-05-18T22:00', zone: ZONE });
  await plan.check();
  await expect(plan.verdict.getByText(/5 h 5\d min/).first()).toBeVisible();
  await expect(plan.warnings.filter({ hasText: /longer/ })).toHaveCount(1);
  expect(heard).toEqual([]);
});
