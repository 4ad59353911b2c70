// Finds pages by following links, so that a new page is looked at without being added to a list.

import type { Page } from '@playwright/test';

export interface Crawl {
  /** Paths to begin with. */
  from: string[];
  /** Which paths belong to it. */
  within: (path: string) => boolean;
  /** How many pages of one kind (the same path but for ids, months and numbers) are looked at. */
  ofOneKind: number;
}

/** Visits every page once and calls `look` there. Gives back the paths visited. */
export async function crawl(page: Page, base: string, wish: Crawl, look: (path: string) => Promise<void>): Promise<string[]> {
  const open = [...wish.from];
  const known = new Set(open);
  const kinds = new Map<string, number>();
  const visited: string[] = [];
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    const bare = path.replace(/\?.*/, '');
    const kind = kindOf(bare);
    const sofar = kinds.get(kind) ?? 0;
    if (sofar >= wish.ofOneKind) continue;
    kinds.set(kind, sofar + 1);
    const response = await page.goto(base + path);
    if (response?.status() !== 200) throw new Error(`${path} is linked and answers ${response?.status()}`);
    visited.push(bare);
    await look(path);
    const links = await page.locator('a[href]').evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).href));
    for (const link of links) {
      const url = new URL(link);
      const next = url.pathname;
      const isPage = url.origin === base && !/\.[a-z]+$/.test(next) && wish.within(next);
      // A query changes what is in a page, seldom what it is made of: the first one is enough.
      if (isPage && !known.has(next)) {
        known.add(next);
        open.push(next + url.search);
      }
    }
  }
  return visited;
}

function kindOf(path: string): string {
  return path
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replace(/\d{4}-\d{2}/g, 'MONTH')
    .replace(/^\/components\/[^/]+$/, '/components/SLUG')
    .replace(/\/\d+(?=\/|$)/g, '/N');
}
