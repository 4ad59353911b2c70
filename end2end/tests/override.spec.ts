// Break glass in two browsers: one person asks, another one lets it go ahead, customers read that two people did. Then
// the work is checked line by line before it is over.

import { type BrowserContext, type Page, expect, test } from '@playwright/test';
import { Api } from '../harness/api.ts';
import { complaints } from '../harness/a11y.ts';
import { World } from '../harness/world.ts';
import { accept, invite, makeToken, nameSite, setUp, signOut } from '../pages/people.ts';
import { PlanForm } from '../pages/plan.ts';
import { frontPageSays } from '../pages/public.ts';
import { openedWindow } from '../pages/window.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const OPERATOR = { name: 'Oisín Kelly', email: 'oisin@northwind.example', password: 'mind the gap in the hedge' };
const APPROVER = { name: 'Grace Nolan', email: 'grace@northwind.example', password: 'seven herons on the quay' };
const ZONE = 'Europe/Berlin';
const TITLE = 'Replace a disk of vm3';
const WHY = 'The second disk reports errors: by tomorrow there is nothing left to back up.';
const LINES = ['RAID is clean', 'Sites answer'];

test.describe.configure({ mode: 'serial' });

let world: World;
let browsers: BrowserContext[];
let operator: Page;
let approver: Page;
let customer: Page;
let heard: string[];
let scripts: boolean;
let address: string;

test.beforeAll(async ({ browser, javaScriptEnabled }, info) => {
  scripts = javaScriptEnabled;
  const database = info.project.metadata.database === 'postgres' ? 'postgres' : 'sqlite';
  world = await World.begin({ begins: '2014-05-15T12:00:00Z', database });
  browsers = await Promise.all([browser.newContext(), browser.newContext(), browser.newContext()]);
  [operator, approver, customer] = (await Promise.all(browsers.map((context) => context.newPage()))) as [Page, Page, Page];
  heard = [operator, approver, customer].flatMap((page) => complaints(page));
});

test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && world) {
    void info.attach('server.log', { body: world.log(200), contentType: 'text/plain' });
  }
});

test.afterAll(() => world?.end());

test('a team of two, and a host whose backup has never run', async () => {
  await setUp(operator, await world.server.setupLink(), ADMIN);
  await nameSite(operator, world.url, 'Northwind Hosting', ZONE);
  const token = await makeToken(operator, world.url, 'set-up script', ['inventory:write', 'backup:report', 'read']);
  const first = await invite(operator, world.url, OPERATOR, 'Operator');
  const second = await invite(operator, world.url, APPROVER, 'Approver');
  await signOut(operator, world.url);
  await accept(operator, first, OPERATOR.password);
  await accept(approver, second, APPROVER.password);
  const api = new Api(world.url, world.front.certificate, token);
  const vm3 = await api.host('vm3');
  await api.job(await api.dataSet(vm3, 'image', 'image'), 'image vm3', 'vzdump');
  await api.component('Cluster 12', await api.group('Clusters'), [vm3]);
});

test('the window is refused, and the operator asks for a second person', async () => {
  const plan = new PlanForm(operator, scripts);
  await plan.openNew(world.url);
  await plan.fill({ title: TITLE, message: 'A disk has failed.', hosts: ['vm3'], start: '2014-05-15T21:00', end: '2014-05-15T23:00', zone: ZONE });
  await operator.getByLabel('Checklist').fill(LINES.join('\n'));
  await plan.check();
  await plan.press('Keep as draft');
  await openedWindow(operator);
  address = operator.url();
  await operator.locator('summary').filter({ hasText: 'Ask a second person' }).click();
  await operator.getByLabel('Reason for going ahead').fill(WHY);
  await operator.getByRole('button', { name: 'Ask for an override' }).click();
  await expect(operator.getByRole('heading', { name: 'Waits for a second person' })).toBeVisible();
  // Nobody is two people.
  await expect(operator.getByRole('button', { name: 'Confirm the override' })).toHaveCount(0);
  await expect(operator.getByRole('button', { name: 'Ask for an override' })).toHaveCount(0);
});

test('the approver finds it on the start page, reads the reasons and confirms', async () => {
  await approver.goto(`${world.url}/admin`);
  await expect(approver.getByText(WHY)).toBeVisible();
  await approver.getByRole('link', { name: 'M-1 asks for a second person', exact: true }).click();
  await expect(approver).toHaveURL(`${address}#override`);
  await expect(approver.locator('#override').getByText('vm3 · image: the backup has never run')).toBeVisible();
  await expect(approver.locator('#override').getByText(/Oisín Kelly, Thu 15 May/)).toBeVisible();
  await approver.getByRole('button', { name: 'Confirm the override' }).click();
  await expect(approver.getByRole('heading', { name: 'Confirmed by a second person' })).toBeVisible();
  await approver.goto(`${world.url}/admin`);
  await expect(approver.getByText('asks for a second person')).toHaveCount(0);
});

test('it goes out, and customers read that two people decided so, not who', async () => {
  await operator.goto(address);
  await expect(operator.locator('#override').getByText(/Grace Nolan, Thu 15 May/)).toBeVisible();
  await operator.getByRole('button', { name: 'Schedule', exact: true }).click();
  await expect(operator.getByRole('button', { name: 'Start early' })).toBeVisible();
  await customer.goto(`${world.url}/maintenance/${await openedWindow(operator)}`);
  await expect(customer.getByText('May start without a confirmed backup; two people of our team decided so')).toBeVisible();
  const text = await customer.locator('main').innerText();
  for (const secret of [OPERATOR.name, APPROVER.name, WHY, ...LINES]) expect(text).not.toContain(secret);
});

test('it starts by itself at its time, although there is no backup', async () => {
  world.clock.set('2014-05-15T19:00:01Z');
  await frontPageSays(customer, world.url, 'Maintenance is under way on Cluster 12');
  await expect(customer.getByText(/Goes ahead without a confirmed backup/).first()).toBeVisible();
  await operator.goto(address);
  await expect(operator.getByRole('link', { name: 'To start by an override: 1 reason' })).toBeVisible();
});

test('the work is checked line by line, and over when every line is ticked', async () => {
  await operator.getByRole('button', { name: 'Done, being checked' }).click();
  await expect(operator.getByText('2 of 2 open.')).toBeVisible();
  await expect(operator.getByRole('button', { name: 'Complete', exact: true })).toHaveCount(0);
  await operator.getByRole('button', { name: /^Tick ?: RAID is clean$/ }).click();
  await expect(operator.getByText('1 of 2 open.')).toBeVisible();
  await approver.goto(address);
  await approver.getByRole('button', { name: /^Tick ?: Sites answer$/ }).click();
  await expect(approver.getByText('All is ticked: it can be completed.')).toBeVisible();
  await customer.goto(address.replace('/admin/maintenances/', '/maintenance/'));
  await expect(customer.getByText(/^Verifying/).first()).toBeVisible();
  await expect(customer.getByText(LINES[0] ?? '')).toHaveCount(0);
  await operator.reload();
  await expect(operator.locator('#checklist').getByText(/Grace Nolan, Thu 15 May/)).toBeVisible();
  await operator.getByRole('button', { name: 'Complete', exact: true }).first().click();
  await frontPageSays(customer, world.url, 'All systems operational');
  expect(heard).toEqual([]);
});
