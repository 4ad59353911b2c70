// The states of a window and of a subscription that the demo does not show: each page of them, for customers and for
// the team, without a finding of axe.

import { type Page, expect, test } from '@playwright/test';
import { expectAccessible } from '../harness/a11y.ts';
import { Api } from '../harness/api.ts';
import { header, link } from '../harness/mail.ts';
import { World } from '../harness/world.ts';
import { makeToken, setUp, signIn } from '../pages/people.ts';
import { frontPageSays, subscribe } from '../pages/public.ts';
import { callOff } from '../pages/window.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const READER = 'reader@customer.example';

test.describe.configure({ mode: 'serial' });

let world: World;
let team: Page;
let customer: Page;
let api: Api;
let maintenance: string;

test.beforeAll(async ({ browser }) => {
  world = await World.begin({ begins: '2026-03-02T08:00:00Z' });
  team = await (await browser.newContext()).newPage();
  customer = await (await browser.newContext()).newPage();
});
test.afterAll(() => world?.end());

/** What a heading says, and that the page is one for everybody. */
async function look(page: Page, path: string, heading: string | RegExp): Promise<void> {
  await page.goto(path.startsWith('https://') ? path : world.url + path);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(heading);
  await expectAccessible(page);
}

test('nothing is there yet', async () => {
  test.setTimeout(180_000);
  await setUp(team, await world.server.setupLink(), ADMIN);
  await look(customer, '/', 'All systems operational');
  for (const place of ['', '/maintenances', '/hosts', '/data-sets', '/jobs', '/runs', '/components', '/tokens']) {
    await team.goto(`${world.url}/admin${place}`);
    await expectAccessible(team);
  }
  const scopes = ['inventory:write', 'maintenance:write', 'backup:report', 'read'];
  api = new Api(world.url, world.front.certificate, await makeToken(team, world.url, 'set-up script', scopes));
});

test('a subscription, from its first mail to its end', async () => {
  await subscribe(customer, world.url, () => world.clock.advance(20), READER);
  await expectAccessible(customer);
  const confirmation = link(await world.mail.nth(READER, 1), '/subscribe/confirm/');
  await look(customer, confirmation, 'Confirm your subscription');
  await customer.getByRole('button', { name: 'Confirm', exact: true }).click();
  await expect(customer.getByRole('heading', { level: 1 })).toHaveText('You are subscribed');
  await expectAccessible(customer);
  await customer.getByRole('link', { name: 'Change' }).click();
  await expect(customer.getByRole('heading', { level: 1 })).toHaveText('Your subscription');
  await expectAccessible(customer);
  world.clock.set('2026-03-05T08:00:00Z');
  await subscribe(customer, world.url, () => world.clock.advance(20), 'late@customer.example');
  const late = link(await world.mail.nth('late@customer.example', 1), '/subscribe/confirm/');
  world.clock.set('2026-03-08T08:00:00Z');
  await look(customer, late, 'This link is too old');
});

test('a window that waits, and is put off', async () => {
  test.setTimeout(180_000);
  await signIn(team, world.url, ADMIN);
  const host = await api.host('web-1');
  const job = await api.job(await api.dataSet(host, 'files', 'files'), 'nightly', 'restic');
  await api.component('Shop', await api.group('Customers'), [host]);
  await api.post('/backup-runs', {
    job: job.id,
    run_id: 'night',
    status: 'ok',
    started_at: '2026-03-08T06:00:00Z',
    finished_at: '2026-03-08T06:30:00Z',
  });
  const planned = await api.post<{ id: string }>('/maintenances', {
    title: 'Replace the power supply',
    message: 'The shop is away for **ten minutes**.',
    hosts: [host],
    zone: 'UTC',
    start: '2026-03-08T20:00',
    end: '2026-03-08T21:00',
    may_wait: '30 min',
    schedule: true,
  });
  maintenance = planned.id;
  await look(customer, `/maintenance/${maintenance}`, 'Replace the power supply');
  world.clock.set('2026-03-08T20:00:01Z');
  await frontPageSays(customer, world.url, 'Maintenance of Shop is delayed');
  await expectAccessible(customer);
  await look(customer, `/maintenance/${maintenance}`, 'Replace the power supply');
  await expect(customer.getByText('Delayed: waiting for a backup to be confirmed').first()).toBeVisible();
  await signIn(team, world.url, ADMIN);
  await expect(team.getByText(/On hold; it can wait until/)).toBeVisible();
  await expectAccessible(team);
  await look(team, `/admin/maintenances/${maintenance}`, 'Replace the power supply');
  world.clock.set('2026-03-08T20:31:00Z');
  await expect(async () => {
    await customer.goto(`${world.url}/maintenance/${maintenance}`);
    await expect(customer.getByText('Postponed: a new time will be announced').first()).toBeVisible({ timeout: 1 });
  }).toPass({ timeout: 20_000 });
  await expectAccessible(customer);
  await look(customer, '/', /./);
  await look(team, '/admin', 'Needs me now');
  await expect(team.getByText('customers wait for a new one')).toBeVisible();
  await look(team, `/admin/maintenances/${maintenance}`, 'Replace the power supply');
  await team.goto(`${world.url}/admin/maintenances/${maintenance}/edit`);
  await expectAccessible(team);
});

test('a window that is called off, and the reader who leaves', async () => {
  await team.goto(`${world.url}/admin/maintenances/${maintenance}`);
  await callOff(team, 'The new supply is of the wrong kind.');
  await expect(team.getByText('The new supply is of the wrong kind.').first()).toBeVisible();
  await expectAccessible(team);
  await look(customer, `/maintenance/${maintenance}`, 'Replace the power supply');
  await expect(customer.getByText('Cancelled').first()).toBeVisible();
  await look(customer, '/history', /./);
  const notices = await world.mail.to(READER);
  const leave = /https:\/\/[^>]+/.exec(header(notices.at(-1)!, 'List-Unsubscribe'))?.[0] ?? '';
  await look(customer, leave, 'Leave these mails?');
  await customer.getByRole('button', { name: 'Unsubscribe' }).click();
  await expect(customer.getByRole('heading', { level: 1 })).toHaveText('You have left');
  await expectAccessible(customer);
});
