// What can be measured about a page: axe's rules, reflow, and what the console complains about.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Page, expect, test } from '@playwright/test';
import type axe from 'axe-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const LOOKS = [
  { colorScheme: 'light', width: 320 },
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'dark', width: 320 },
] as const;

/** Everything axe finds, light and dark, narrow and wide; and whether a narrow page has to be moved sideways. */
export async function findings(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const { colorScheme, width } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 800 });
    const look = `${colorScheme}, ${width} px`;
    if (!(await page.evaluate('typeof axe !== "undefined"'))) await page.evaluate(SOURCE);
    const result = await page.evaluate(async () => {
      const engine = (globalThis as unknown as { axe: typeof axe }).axe;
      const { violations } = await engine.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        rules: { 'target-size': { enabled: true } },
        resultTypes: ['violations'],
      });
      const root = document.documentElement;
      return { violations, beyond: root.scrollWidth - root.clientWidth };
    });
    if (result.beyond > 0) found.push(`${look}: the page is ${result.beyond} px too wide`);
    for (const { id, help, nodes } of result.violations) {
      const where = nodes.slice(0, 3).map((node) => node.html.slice(0, 200));
      found.push(`${look}: ${id} (${help}), ${nodes.length} times, such as ${where.join(' and ')}`);
    }
  }
  return found;
}

/** Fails with all of it at once. */
export async function expectAccessible(page: Page): Promise<void> {
  await test.step(`axe on ${new URL(page.url()).pathname}`, async () => {
    expect.soft(await findings(page), `on ${page.url()}`).toEqual([]);
  });
}

/** Collects what a page must never do: break its own content policy, throw, or log an error. */
export function complaints(page: Page): string[] {
  const heard: string[] = [];
  page.on('console', (message) => {
    // An answer such as 404 or 422 is no fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      heard.push(`${page.url()}: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => heard.push(`${page.url()}: ${error.message}`));
  return heard;
}
