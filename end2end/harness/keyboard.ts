// Walks over a page with the Tab key alone.

import { type Page, expect } from '@playwright/test';

interface Stop {
  place: number;
  name: string;
  outline: boolean;
  covered: boolean;
}

/**
 * Presses Tab until every control has had the focus, which it must show and which nothing may cover (WCAG 2.1.1, 2.1.2,
 * 2.4.7, 2.4.11). Gives back the names of the controls in the order of the walk.
 */
export async function walk(page: Page): Promise<string[]> {
  const count = await page.evaluate(() => {
    const controls = [...document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
    const reachable = controls.filter((control) => {
      const off = 'disabled' in control && control.disabled === true;
      // The arrow keys move within a group of radio buttons.
      const radio = control instanceof HTMLInputElement && control.type === 'radio' && !control.checked;
      return !off && !radio && control.tabIndex >= 0 && control.checkVisibility({ visibilityProperty: true });
    });
    reachable.forEach((control, place) => control.setAttribute('data-walk', String(place)));
    (document.activeElement as HTMLElement | null)?.blur();
    return reachable.length;
  });
  const stops: Stop[] = [];
  const seen = new Set<number>();
  // A field for a date and a time has a stop for each of its parts.
  for (let step = 0; seen.size < count && step < count + 60; step++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const focused = document.activeElement as HTMLElement | null;
      const place = focused?.getAttribute('data-walk');
      if (!focused || place === null || place === undefined) return null;
      const style = getComputedStyle(focused);
      const outline = style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2;
      const box = focused.getClientRects()[0] ?? focused.getBoundingClientRect();
      const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      const covered = !hit || !(focused.contains(hit) || hit.contains(focused) || hit.closest('label')?.contains(focused));
      const name = (focused.getAttribute('aria-label') ?? focused.innerText ?? '').trim() || focused.id || focused.tagName;
      return { place: Number(place), name: name.split('\n')[0] ?? '', outline, covered };
    });
    if (stop && !seen.has(stop.place)) {
      seen.add(stop.place);
      stops.push(stop);
    }
  }
  const missed = await page.evaluate(
    (seen) =>
      [...document.querySelectorAll('[data-walk]')]
        .filter((control) => !seen.includes(Number(control.getAttribute('data-walk'))))
        .map((control) => control.outerHTML.slice(0, 120)),
    [...seen],
  );
  expect.soft(missed, 'controls that Tab does not reach').toEqual([]);
  expect.soft(stops.filter((stop) => !stop.outline).map((stop) => stop.name), 'focus that does not show').toEqual([]);
  expect.soft(stops.filter((stop) => stop.covered).map((stop) => stop.name), 'focus that is covered').toEqual([]);
  const order = stops.map((stop) => stop.place);
  expect.soft(order, 'the walk follows the order of the page').toEqual(order.toSorted((a, b) => a - b));
  return stops.map((stop) => stop.name);
}
