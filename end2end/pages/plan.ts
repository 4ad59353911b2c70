// The scheduling form with the gate beside it.

import { type Locator, type Page, expect } from '@playwright/test';

export interface Wish {
  title: string;
  message: string;
  hosts?: string[];
  components?: string[];
  /** Local times of the zone: `2014-05-15T21:00`. */
  start: string;
  end: string;
  zone: string;
  /** Nobody is reminded. */
  unreminded?: boolean;
}

/** Ticks the box of a host or component; its hint is part of what it is called. */
export async function tick(page: Page, name: string): Promise<void> {
  await page.getByRole('checkbox', { name: new RegExp(`^${name}(\\s|$)`) }).check();
}

export class PlanForm {
  readonly verdict: Locator;
  readonly title: Locator;
  /** What stands against it. */
  readonly reasons: Locator;
  /** What is told beside it. */
  readonly warnings: Locator;
  readonly schedule: Locator;

  constructor(
    readonly page: Page,
    private readonly scripts: boolean,
  ) {
    this.verdict = page.getByRole('region').filter({ has: page.locator('#verdict') });
    this.title = page.locator('#verdict');
    this.reasons = this.verdict.locator('li.reason.tone-major').getByRole('heading');
    this.warnings = this.verdict.locator('li.reason.tone-degraded').getByRole('heading');
    this.schedule = this.verdict.getByRole('button', { name: 'Schedule', exact: true });
  }

  async openNew(base: string): Promise<void> {
    await this.page.goto(`${base}/admin/maintenances`);
    await this.page.getByRole('link', { name: 'Plan maintenance' }).first().click();
    await expect(this.page).toHaveURL(`${base}/admin/maintenances/new`);
  }

  async fill(wish: Wish): Promise<void> {
    const { page } = this;
    await page.getByLabel('What will be done').fill(wish.title);
    for (const name of [...(wish.hosts ?? []), ...(wish.components ?? [])]) {
      await tick(page, name);
    }
    await this.time(wish);
    if (wish.unreminded) await page.getByLabel('Reminders by mail').selectOption('none');
    await page.getByRole('textbox', { name: /^What customers read( \(optional\))?$/ }).fill(wish.message);
  }

  async time({ start, end, zone }: Pick<Wish, 'start' | 'end' | 'zone'>): Promise<void> {
    await this.page.getByLabel('Time zone').selectOption(zone);
    await this.page.getByLabel('Start', { exact: true }).fill(start);
    await this.page.getByLabel('End', { exact: true }).fill(end);
  }

  /** With scripts the panel has followed by itself; without there is a button. */
  async check(): Promise<void> {
    const button = this.verdict.getByRole('button', { name: 'Check', exact: true });
    if (this.scripts) await expect(button).toHaveCount(0);
    else await button.click();
  }

  async press(label: 'Schedule' | 'Keep as draft' | 'Save changes'): Promise<void> {
    await this.verdict.getByRole('button', { name: label, exact: true }).click();
  }
}
