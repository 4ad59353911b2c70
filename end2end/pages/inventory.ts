// What lies where, and what protects it.

import { type Page, expect } from '@playwright/test';
import type { Job } from '../harness/api.ts';

/** Fills in the form for a new job, which is open. Gives back where it reports. */
export async function addJob(page: Page, job: { name: string; tool: string }): Promise<Job> {
  await expect(page).toHaveURL(/\/admin\/jobs\/new\?data_set=/);
  await page.getByLabel('Name').fill(job.name);
  await page.getByLabel('Program').fill(job.tool);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page).toHaveURL(/\/admin\/jobs\/[0-9a-f-]{36}/);
  const url = await page.locator('code').filter({ hasText: '/ping/' }).first().innerText();
  return { id: /jobs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? '', ping_url: url.trim() };
}
