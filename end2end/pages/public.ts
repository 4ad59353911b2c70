// What customers do.

import { type Page, expect } from '@playwright/test';

/** Asks for mails. The answer is the same for every address; `typing` is the time a person takes. */
export async function subscribe(page: Page, base: string, typing: () => void, email: string, zone?: string): Promise<void> {
  await page.goto(`${base}/subscribe`);
  await page.getByLabel('E-mail address').fill(email);
  if (zone) await page.getByLabel('Times in the mails').selectOption(zone);
  typing();
  await page.getByRole('button', { name: 'Subscribe', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Look into your mailbox');
}

/** Confirms by the button behind the link; opening the link alone must not. */
export async function confirm(page: Page, link: string): Promise<void> {
  for (let n = 0; n < 3; n++) {
    await page.goto(link);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Confirm your subscription');
  }
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('You are subscribed');
}

/** Waits until the front page says this. */
export async function frontPageSays(page: Page, base: string, sentence: string | RegExp): Promise<void> {
  await expect(async () => {
    await page.goto(base);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(sentence, { timeout: 1 });
  }).toPass({ intervals: [200, 300, 500], timeout: 20_000 });
}
