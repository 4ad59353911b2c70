// Signing in and out, and what an administrator does about people, tokens and the site.

import { type Page, expect } from '@playwright/test';

export interface Person {
  name: string;
  email: string;
  password: string;
}

/** Becomes the first administrator by the link that `serve` printed. */
export async function setUp(page: Page, link: string, { name, email, password }: Person): Promise<void> {
  await page.goto(link);
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page).toHaveURL(/\/admin$/);
}

/** Sends the sign-in form. What comes of it is up to the caller. */
export async function enter(page: Page, base: string, { email, password }: Pick<Person, 'email' | 'password'>): Promise<void> {
  await page.goto(`${base}/sign-in`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function signIn(page: Page, base: string, person: Pick<Person, 'email' | 'password'>): Promise<void> {
  await enter(page, base, person);
  await expect(page).toHaveURL(`${base}/admin`);
}

export async function signOut(page: Page, base: string): Promise<void> {
  await page.goto(`${base}/admin/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(`${base}/sign-in`);
}

/** Adds a person. Gives back the link with which they choose a password. */
export async function invite(page: Page, base: string, person: Pick<Person, 'name' | 'email'>, role: string): Promise<string> {
  await page.goto(`${base}/admin/people/new`);
  await page.getByLabel('Name').fill(person.name);
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByRole('radio', { name: role }).check();
  await page.getByRole('button', { name: 'Add and make a link' }).click();
  return shownOnce(page, /\/password\//);
}

/** Opens the link of an invitation and chooses the password; signs in by it. */
export async function accept(page: Page, link: string, password: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Save and sign in' }).click();
  await expect(page).toHaveURL(/\/admin$/);
}

/** Makes a token with these scopes. */
export async function makeToken(page: Page, base: string, name: string, scopes: string[]): Promise<string> {
  await page.goto(`${base}/admin/tokens/new`);
  await page.getByLabel('Name').fill(name);
  for (const scope of scopes) await page.locator(`input[name=scopes][value="${scope}"]`).check();
  await page.getByRole('button', { name: 'Make token' }).click();
  return shownOnce(page, /^fmt_/);
}

/** Names the site and gives it a time zone. */
export async function nameSite(page: Page, base: string, name: string, zone: string): Promise<void> {
  await page.goto(`${base}/admin/settings`);
  await page.getByLabel('Name of the site').fill(name);
  await page.getByLabel('Time zone').selectOption(zone);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
}

/** A secret that a page shows only this once. */
async function shownOnce(page: Page, looks: RegExp): Promise<string> {
  const shown = page.locator('code').filter({ hasText: looks });
  await expect(shown).toHaveCount(1);
  return (await shown.innerText()).trim();
}
