// A window as operators see it.

import { type Page, expect } from '@playwright/test';

const ID = /\/admin\/maintenances\/([0-9a-f-]{36})$/;

/** Waits until the page of a window is open and gives its id. */
export async function openedWindow(page: Page): Promise<string> {
  await expect(page).toHaveURL(ID);
  return ID.exec(page.url())?.[1] ?? '';
}

export async function callOff(page: Page, why: string): Promise<void> {
  await page.locator('summary').filter({ hasText: 'Call it off' }).click();
  await page.getByLabel('Why').fill(why);
  await page.getByRole('button', { name: 'Call it off' }).click();
}

export async function postUpdate(page: Page, message: string): Promise<void> {
  await page.locator('summary').filter({ hasText: 'Post an update' }).click();
  await page.locator('#update-body').fill(message);
  await page.getByRole('button', { name: 'Post', exact: true }).click();
}
