// The week of May 2014, lived through again. A machine `vm3` lost a disk; the work to replace it destroyed it and its
// guests, because the backups behind it were too old, did not hold what they should, or did not exist. Here the window
// is refused for these three reasons, waits for its backup, and customers hear of every step.

import { type BrowserContext, type Page, expect, test } from '@playwright/test';
import { Api, type Job, ask } from '../harness/api.ts';
import { complaints } from '../harness/a11y.ts';
import { BorgHost, reportedRun } from '../harness/borg.ts';
import { Desk, readByAll } from '../harness/calendar.ts';
import { type Mail, header, link } from '../harness/mail.ts';
import { World } from '../harness/world.ts';
import { accept, invite, makeToken, nameSite, setUp, signIn, signOut } from '../pages/people.ts';
import { addJob } from '../pages/inventory.ts';
import { PlanForm, tick } from '../pages/plan.ts';
import { confirm, frontPageSays, subscribe } from '../pages/public.ts';
import { callOff, openedWindow } from '../pages/window.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const OPERATOR = { name: 'Oisín Kelly', email: 'oisin@northwind.example', password: 'mind the gap in the hedge' };
const ZONE = 'Europe/Berlin';
const TITLE = 'Replace a disk of vm3';
const BERLIN = 'customer@berlin.example';
const NEW_YORK = 'customer@newyork.example';

interface Jobs {
  image: Job;
  files: Job;
  dump: Job;
}

test.describe.configure({ mode: 'serial' });

let world: World;
let team: BrowserContext;
let operator: Page;
let customer: Page;
let heard: string[];
let api: Api;
let jobs: Jobs;
let shop: Job;
let borg: BorgHost;
let desks: Desk[];
let draft: string;
let scripts: boolean;

test.beforeAll(async ({ browser, javaScriptEnabled }, info) => {
  scripts = javaScriptEnabled;
  const database = info.project.metadata.database === 'postgres' ? 'postgres' : 'sqlite';
  world = await World.begin({ begins: '2014-05-10T18:00:00Z', database });
  team = await browser.newContext();
  operator = await team.newPage();
  customer = await (await browser.newContext()).newPage();
  heard = [...complaints(operator), ...complaints(customer)];
});

test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && world) {
    void info.attach('server.log', { body: world.log(200), contentType: 'text/plain' });
  }
});

test.afterAll(() => world?.end());

/** A ping without anything around it, at this time of the story. */
async function ping(job: Job, time: string, signal = ''): Promise<void> {
  world.clock.set(time);
  const { status, body } = await ask(job.ping_url + signal, world.front.certificate);
  expect(`${status} ${body}`).toBe('200 OK');
}

async function night(job: Job, from: string, to: string): Promise<void> {
  await ping(job, from, '/start');
  await ping(job, to);
}

/** Dump, then files by borgmatic, then the image, then the hand-built guest: about an hour in the story. */
async function backUpEverything(times: { dump: [string, string]; files: string; image: [string, string]; shop: [string, string] }) {
  const before = await borg.archives();
  world.clock.set(times.dump[0]);
  await reportedRun(jobs.dump.ping_url, world.front.certificate, 'true', () => world.clock.set(times.dump[1]));
  world.clock.set(times.files);
  await borg.backUp();
  expect(await borg.archives()).toBe(before + 1);
  await night(jobs.image, ...times.image);
  world.clock.set(times.shop[1]);
  await api.post('/backup-runs', {
    job: shop.id,
    run_id: `shop-${times.shop[0]}`,
    status: 'ok',
    started_at: times.shop[0],
    finished_at: times.shop[1],
    bytes: 734_003_200,
    files: 18_204,
  });
}

async function feed(): Promise<string> {
  const answer = await ask(`${world.url}/calendar.ics`, world.front.certificate);
  expect(answer.status).toBe(200);
  return answer.body;
}

/** What both desks show for the days of the story, each in its own time zone. */
async function desksShow(berlin: (string | RegExp)[], newYork: (string | RegExp)[]): Promise<void> {
  await Promise.all([desks[0]?.shows('2014-05-12', 14, berlin), desks[1]?.shows('2014-05-12', 14, newYork)]);
}

async function nextMails(count: number): Promise<[Mail, Mail]> {
  return Promise.all([world.mail.nth(BERLIN, count), world.mail.nth(NEW_YORK, count)]);
}

test('Saturday: Fermata is installed, backups report', async () => {
  await setUp(operator, await world.server.setupLink(), ADMIN);
  await nameSite(operator, world.url, 'Northwind Hosting', ZONE);
  const token = await makeToken(operator, world.url, 'set-up script', ['inventory:write', 'backup:report', 'read']);
  const invitation = await invite(operator, world.url, OPERATOR, 'Operator');
  await signOut(operator, world.url);
  await accept(operator, invitation, OPERATOR.password);

  api = new Api(world.url, world.front.certificate, token);
  const vm3 = await api.host('vm3');
  const web12 = await api.host('web-12', vm3);
  const legacyShop = await api.host('legacy-shop', vm3);
  await api.host('mail-3');
  const image = await api.job(await api.dataSet(vm3, 'image', 'image'), 'image vm3', 'vzdump');
  const files = await api.job(await api.dataSet(web12, 'files', 'files'), 'files web-12', 'borgmatic');
  const dump = await api.job(await api.dataSet(web12, 'database', 'database'), 'dump web-12', 'pg_dump', files.id);
  await api.dataSet(legacyShop, 'files', 'files');
  jobs = { image, files, dump };
  const clusters = await api.group('Clusters');
  await api.component('Cluster 11', clusters);
  await api.component('Cluster 12', clusters, [web12]);
  await api.component('Shop', await api.group('Customers'), [legacyShop]);
  borg = await BorgHost.set(world.folder, 'web-12', files.ping_url, world.front.certificate);

  await night(image, '2014-05-10T20:10:00Z', '2014-05-10T21:40:00Z');
  await night(files, '2014-05-10T22:00:00Z', '2014-05-11T00:00:00Z');
  await night(dump, '2014-05-11T02:05:00Z', '2014-05-11T02:40:00Z');
});

test('Sunday: customers subscribe by mail and calendar', async () => {
  world.clock.set('2014-05-11T12:00:00Z');
  await frontPageSays(customer, world.url, 'All systems operational');
  const typing = () => world.clock.advance(20);
  await subscribe(customer, world.url, typing, BERLIN, ZONE);
  await confirm(customer, link(await world.mail.nth(BERLIN, 1), '/subscribe/confirm/'));
  await subscribe(customer, world.url, typing, NEW_YORK, 'America/New_York');
  await confirm(customer, link(await world.mail.nth(NEW_YORK, 1), '/subscribe/confirm/'));
  desks = await Promise.all(
    [ZONE, 'America/New_York'].map((zone) =>
      Desk.set(world.folder, `${world.url}/calendar.ics`, world.front.certificate, zone),
    ),
  );
  await night(jobs.files, '2014-05-11T22:00:00Z', '2014-05-12T00:00:00Z');
  await night(jobs.dump, '2014-05-12T02:05:00Z', '2014-05-12T02:40:00Z');
});

test('Monday: a disk fails, and the window is refused with three reasons on one screen', async () => {
  world.clock.set('2014-05-12T08:30:00Z');
  await signIn(operator, world.url, OPERATOR);
  const plan = new PlanForm(operator, scripts);
  await plan.openNew(world.url);
  await plan.fill({
    title: TITLE,
    message: 'One disk of the **RAID-1** in `vm3` has failed. We replace it; its guests are down meanwhile.',
    hosts: ['vm3'],
    start: '2014-05-15T21:00',
    end: '2014-05-16T00:00',
    zone: ZONE,
    unreminded: true,
  });
  await tick(operator, 'Ends by itself');
  await plan.check();
  const refusal = async () => {
    await expect(plan.title).toHaveText('Not safe to schedule: 3 reasons');
    await expect(plan.reasons).toHaveText([
      'legacy-shop · files: no backup job',
      'vm3 · image: the last good run is too old',
      'web-12 · database: the dump is not in any backup',
    ]);
    await expect(plan.verdict).toContainText('1 of 4 data sets are backed up well enough.');
    await expect(plan.verdict).toContainText('Blast radius: 3 hosts, 4 data sets');
  };
  await refusal();
  await expect(plan.schedule).toBeDisabled();
  // Whoever gets around the button is refused by the server; what was typed is kept as a draft.
  await plan.schedule.evaluate((button) => button.removeAttribute('disabled'));
  await plan.press('Schedule');
  await expect(operator.getByText('is kept as a draft')).toBeVisible();
  await refusal();
  await expect(operator.getByLabel('What will be done')).toHaveValue(TITLE);
  draft = operator.url();
  // Customers see nothing of a draft.
  await frontPageSays(customer, world.url, 'All systems operational');
  await expect(customer.getByText(TITLE)).toHaveCount(0);
  expect(await feed()).not.toContain('BEGIN:VEVENT');
});

test('Monday: the missing job is added, real backups run, the gate confirms', async () => {
  await operator.getByRole('link', { name: 'Add a job' }).click();
  shop = await addJob(operator, { name: 'files legacy-shop', tool: 'rsync' });
  await backUpEverything({
    dump: ['2014-05-12T10:00:00Z', '2014-05-12T10:10:00Z'],
    files: '2014-05-12T10:12:00Z',
    image: ['2014-05-12T10:20:00Z', '2014-05-12T10:40:00Z'],
    shop: ['2014-05-12T10:25:00Z', '2014-05-12T10:45:00Z'],
  });
  await operator.goto(draft);
  const plan = new PlanForm(operator, scripts);
  await expect(plan.title).toHaveText('Safe to schedule');
  await expect(plan.verdict).toContainText('All 4 data sets are backed up well enough.');
  await plan.press('Schedule');
  await openedWindow(operator);
});

test('Monday: everyone hears of it', async () => {
  await frontPageSays(customer, world.url, 'All systems operational');
  await expect(customer.getByRole('link', { name: TITLE, exact: true })).toBeVisible();
  await customer.getByRole('link', { name: TITLE, exact: true }).click();
  await expect(customer.getByRole('heading', { level: 1 })).toHaveText(TITLE);
  await expect(customer.getByText('Cluster 12, Shop').first()).toBeVisible();
  await expect(customer.locator('strong', { hasText: 'RAID-1' })).toBeVisible();
  const [berlin, newYork] = await nextMails(2);
  expect(berlin.what).toBe('Scheduled');
  expect(berlin.parsed.subject).toBe(`[Northwind Hosting] ${TITLE} (M-1)`);
  expect(berlin.text).toContain('Thu 15 May 2014, 21:00');
  expect(newYork.text).toContain('Thu 15 May 2014, 15:00–18:00 EDT');
  expect(newYork.text).toContain('19:00–22:00 UTC');
  await desksShow(
    [`2014-05-15 21:00-00:00 [Scheduled] ${TITLE} CONFIRMED`],
    [`2014-05-15 15:00-18:00 [Scheduled] ${TITLE} CONFIRMED`],
  );
  expect(await readByAll(world.folder, await feed())).toMatchObject([
    { start: '2014-05-15T19:00:00Z', status: 'CONFIRMED' },
  ]);
});

test('Tuesday: it moves by half an hour, and mailboxes and calendars follow', async () => {
  world.clock.set('2014-05-13T08:00:00Z');
  await signIn(operator, world.url, OPERATOR);
  const [before] = await readByAll(world.folder, await feed());
  await operator.goto(draft);
  const plan = new PlanForm(operator, scripts);
  await plan.time({ start: '2014-05-15T21:30', end: '2014-05-16T00:30', zone: ZONE });
  await plan.check();
  await plan.press('Save changes');
  await openedWindow(operator);
  const [berlin, newYork] = await nextMails(3);
  expect(berlin.what).toBe('Rescheduled');
  expect(newYork.text).toMatch(/New time: Thu 15 May 2014, 15:30–18:30 EDT/);
  expect(newYork.text).toMatch(/Before: Thu 15 May 2014, 15:00–18:00 EDT/);
  await desksShow(
    [`2014-05-15 21:30-00:30 [Scheduled] ${TITLE} CONFIRMED`],
    [`2014-05-15 15:30-18:30 [Scheduled] ${TITLE} CONFIRMED`],
  );
  const [after] = await readByAll(world.folder, await feed());
  expect(after).toMatchObject({ uid: before?.uid, start: '2014-05-15T19:30:00Z' });
});

test('Thursday: the backups are stale, the start is held, the page says why', async () => {
  // 90 minutes ahead the team is warned.
  world.clock.set('2014-05-15T18:00:05Z');
  await signIn(operator, world.url, OPERATOR);
  await expect(operator.getByText(/\d things are missing before it can start/)).toBeVisible();
  world.clock.set('2014-05-15T19:30:01Z');
  await frontPageSays(customer, world.url, 'Maintenance of Cluster 12 and Shop is delayed');
  await expect(customer.getByText('Delayed: waiting for a backup to be confirmed').first()).toBeVisible();
  const [berlin] = await nextMails(4);
  expect(berlin.what).toBe('Delayed: waiting for a backup to be confirmed');
  await desksShow(
    [`2014-05-15 21:30-00:30 [Delayed] ${TITLE} TENTATIVE`],
    [`2014-05-15 15:30-18:30 [Delayed] ${TITLE} TENTATIVE`],
  );
});

test('Thursday: new backups come in and it starts by itself, even across a crash', async () => {
  world.clock.set('2014-05-15T19:31:00Z');
  await world.server.stop('SIGKILL');
  await world.server.start();
  await backUpEverything({
    dump: ['2014-05-15T19:32:00Z', '2014-05-15T19:40:00Z'],
    files: '2014-05-15T19:41:00Z',
    image: ['2014-05-15T19:42:00Z', '2014-05-15T19:55:00Z'],
    shop: ['2014-05-15T19:45:00Z', '2014-05-15T19:58:00Z'],
  });
  await frontPageSays(customer, world.url, 'Maintenance is under way on Cluster 12 and Shop');
  const [berlin] = await nextMails(5);
  expect(berlin.what).toBe('In progress');
  expect(berlin.text).toContain('All 4 data sets are backed up well enough.');
});

test('Thursday: it completes by itself', async () => {
  // Begun at 19:58, three hours long.
  world.clock.set('2014-05-15T22:59:00Z');
  await frontPageSays(customer, world.url, 'All systems operational');
  const [berlin] = await nextMails(6);
  expect(berlin.what).toBe('Completed');
  expect((await feed()).replaceAll('\r\n ', '')).toContain(`SUMMARY:[Completed] ${TITLE}`);
});

test('Friday: a second window is called off, and calendars say so', async () => {
  world.clock.set('2014-05-16T08:00:00Z');
  await signIn(operator, world.url, OPERATOR);
  const plan = new PlanForm(operator, scripts);
  await plan.openNew(world.url);
  await plan.fill({
    title: 'Update the firmware of vm3',
    message: '',
    hosts: ['vm3'],
    start: '2014-05-20T22:00',
    end: '2014-05-20T23:00',
    zone: ZONE,
    unreminded: true,
  });
  await plan.check();
  await expect(plan.title).toHaveText('Safe to schedule');
  await plan.press('Schedule');
  await openedWindow(operator);
  expect((await nextMails(7))[0].what).toBe('Scheduled');
  await callOff(operator, 'The new disk came with it.');
  await expect(operator.getByText('The new disk came with it.').first()).toBeVisible();
  const [berlin] = await nextMails(8);
  expect(berlin.what).toBe('Cancelled');
  expect(berlin.text).toContain('The new disk came with it.');
  await desksShow(
    [/\[Completed\]/, '2014-05-20 22:00-23:00 [Cancelled] Update the firmware of vm3 CANCELLED'],
    [/\[Completed\]/, '2014-05-20 16:00-17:00 [Cancelled] Update the firmware of vm3 CANCELLED'],
  );
  expect((await readByAll(world.folder, await feed())).map((event) => event.status).sort()).toEqual([
    'CANCELLED',
    'CONFIRMED',
  ]);
});

test('Friday: one click and the mails end', async () => {
  const last = await world.mail.nth(BERLIN, 8);
  expect(header(last, 'List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click');
  const [address] = /https:\/\/[^>]+/.exec(header(last, 'List-Unsubscribe')) ?? [];
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'List-Unsubscribe=One-Click',
  };
  // Opening the link is not leaving.
  expect((await ask(address ?? '', world.front.certificate)).status).toBe(200);
  for (let n = 0; n < 2; n++) expect((await ask(address ?? '', world.front.certificate, options)).status).toBe(200);
  // Whoever stays is the proof that the next notice has gone out.
  await operator.locator('summary').filter({ hasText: 'Post an update' }).click();
  await operator.locator('#update-body').fill('The supplier confirms that no update is needed.');
  await operator.getByRole('button', { name: 'Post', exact: true }).click();
  await world.mail.nth(NEW_YORK, 9);
  expect(await world.mail.to(BERLIN)).toHaveLength(8);
});

test('what was sent and served keeps the standards', async () => {
  // The team heard, too, of what stood against the work.
  const team = (await Promise.all([ADMIN, OPERATOR].map(({ email }) => world.mail.to(email)))).flat();
  expect(team.length).toBeGreaterThan(0);
  expect(await world.mail.checkAll()).toBe(17 + team.length);
  const notices = (await world.mail.to(NEW_YORK)).filter((mail) => mail.parsed.subject?.includes('(M-1)'));
  expect(notices).toHaveLength(5);
  expect(new Set(notices.map((mail) => mail.parsed.subject)).size).toBe(1);
  expect(new Set(notices.map((mail) => mail.parsed.references)).size).toBe(1);
  expect(new Set(notices.map((mail) => mail.parsed.messageId)).size).toBe(5);
  expect(heard).toEqual([]);
  expect(await customer.context().cookies()).toEqual([]);
});
