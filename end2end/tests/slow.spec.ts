// Clients that never finish what they ask hold no place for long, and nobody else notices them (SEC-16).

import { expect, test } from '@playwright/test';
import { run } from '../harness/process.ts';
import { World } from '../harness/world.ts';

let world: World;
test.beforeAll(async () => {
  world = await World.begin();
});
test.afterAll(() => world?.end());

test('200 slow heads are closed within seconds, and the page goes on answering', async () => {
  await fetch(world.direct);
  const began = Date.now();
  let slow = true;
  // One line of a head every ten seconds; it ends when it has no connection left.
  const attack = run('slowhttptest', ['-H', '-c', '200', '-i', '10', '-r', '100', '-l', '40', '-u', `${world.direct}/`], {
    anyCode: true,
  });
  const attacked = attack.finally(() => {
    slow = false;
  });
  const answers: number[] = [];
  while (slow) {
    const asked = performance.now();
    const answer = await fetch(world.direct);
    expect(answer.status).toBe(200);
    await answer.text();
    answers.push(performance.now() - asked);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect((await attacked).stdout).toContain('No open connections left');
  expect(Date.now() - began).toBeLessThan(25_000);
  expect(answers.length).toBeGreaterThan(50);
  expect(Math.max(...answers)).toBeLessThan(2_000);
});
