// Who may come in, and what they may do there.

import { type Browser, type Page, expect, test } from '@playwright/test';
import { World } from '../harness/world.ts';
import { accept, enter, invite, setUp, signIn, signOut } from '../pages/people.ts';

const ADMIN = { name: 'Ada Byrne', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const VIEWER = { name: 'Vera Walsh', email: 'vera@northwind.example', password: 'a tide table for spring' };

test.describe.configure({ mode: 'serial' });

let world: World;
test.beforeAll(async () => {
  world = await World.begin();
});
test.afterAll(() => world?.end());

/** Somebody at a browser of their own. */
async function someone(browser: Browser): Promise<Page> {
  return (await browser.newContext()).newPage();
}

test('the link that serve prints makes the first administrator, once', async ({ browser }) => {
  const link = await world.server.setupLink();
  await setUp(await someone(browser), link, ADMIN);
  const response = await (await someone(browser)).goto(link);
  expect(response?.status()).toBe(404);
});

test('without signing in there is only the door', async ({ browser }) => {
  const page = await someone(browser);
  for (const path of ['/admin', '/admin/hosts', '/admin/maintenances/new', '/admin/settings']) {
    await page.goto(world.url + path);
    expect(new URL(page.url()).pathname, path).toBe('/sign-in');
  }
  // One goes on to where one wanted to go.
  await page.getByLabel('E-mail address').fill(ADMIN.email);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${world.url}/admin/settings`);
});

test('a wrong password says so, and does not say whether the address exists', async ({ browser }) => {
  const page = await someone(browser);
  const answers: string[] = [];
  for (const email of [ADMIN.email, 'nobody@northwind.example']) {
    await enter(page, world.url, { email, password: 'not the password at all' });
    await expect(page.getByRole('alert')).toBeVisible();
    await expect(page.getByLabel('E-mail address')).toHaveValue(email);
    await expect(page.getByLabel('Password')).toHaveValue('');
    answers.push(await page.getByRole('alert').innerText());
  }
  expect(answers[0]).toBe(answers[1]);
  expect((await page.context().cookies()).filter((cookie) => cookie.name.includes('sid'))).toEqual([]);
});

test('the cookie of a session can not be read by scripts or sent in clear', async ({ browser }) => {
  const page = await someone(browser);
  await signIn(page, world.url, ADMIN);
  const cookies = await page.context().cookies();
  expect(cookies).toEqual([
    expect.objectContaining({ name: '__Host-sid', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' }),
  ]);
  await signOut(page, world.url);
  // The old cookie opens nothing any more.
  await page.context().addCookies(cookies);
  await page.goto(`${world.url}/admin`);
  expect(new URL(page.url()).pathname).toBe('/sign-in');
});

test('a viewer sees everything and changes nothing', async ({ browser }) => {
  const admin = await someone(browser);
  await signIn(admin, world.url, ADMIN);
  const invitation = await invite(admin, world.url, VIEWER, 'Viewer');
  const page = await someone(browser);
  await accept(page, invitation, VIEWER.password);
  for (const path of ['/admin/maintenances', '/admin/hosts', '/admin/runs', '/admin/components']) {
    const response = await page.goto(world.url + path);
    expect(response?.status(), path).toBe(200);
    await expect(page.getByRole('link', { name: /^(Add|Plan|New)\b/ }), path).toHaveCount(0);
  }
  for (const path of ['/admin/maintenances/new', '/admin/people', '/admin/tokens', '/admin/audit']) {
    const response = await page.goto(world.url + path);
    expect(response?.status(), path).toBe(403);
  }
});

test('whoever changes the password ends all other sessions', async ({ browser }) => {
  const [here, elsewhere] = [await someone(browser), await someone(browser)];
  await signIn(here, world.url, VIEWER);
  await signIn(elsewhere, world.url, VIEWER);
  await here.goto(`${world.url}/admin/account`);
  await here.getByLabel('Current password').fill(VIEWER.password);
  const changed = 'the tide table for autumn';
  await here.getByLabel('New password', { exact: true }).fill(changed);
  await here.getByLabel('New password once more').fill(changed);
  await here.getByRole('button', { name: 'Change password' }).click();
  await expect(here.getByText('Your password has been changed')).toBeVisible();
  await elsewhere.goto(`${world.url}/admin`);
  expect(new URL(elsewhere.url()).pathname).toBe('/sign-in');
  await here.goto(`${world.url}/admin`);
  expect(new URL(here.url()).pathname).toBe('/admin');
  await enter(elsewhere, world.url, VIEWER);
  await expect(elsewhere.getByRole('alert')).toBeVisible();
  await signIn(elsewhere, world.url, { ...VIEWER, password: changed });
});

test('a disabled account is out at once', async ({ browser }) => {
  const [admin, viewer] = [await someone(browser), await someone(browser)];
  await signIn(viewer, world.url, { ...VIEWER, password: 'the tide table for autumn' });
  await signIn(admin, world.url, ADMIN);
  await admin.goto(`${world.url}/admin/people`);
  await admin.getByRole('link', { name: VIEWER.name }).click();
  await admin.getByRole('button', { name: 'Disable' }).click();
  await expect(admin.getByText('Their sessions have ended.').first()).toBeVisible();
  await viewer.goto(`${world.url}/admin`);
  expect(new URL(viewer.url()).pathname).toBe('/sign-in');
});
