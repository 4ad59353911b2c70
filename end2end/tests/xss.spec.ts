// Every field with words in it holds what OWASP's cheat sheet tries: no page, for customers or for the team, and no
// mail runs any of it, and no page breaks its own content policy.

import { readFileSync } from 'node:fs';
import { type Browser, type Page, expect, test } from '@playwright/test';
import { Api } from '../harness/api.ts';
import { complaints } from '../harness/a11y.ts';
import { crawl } from '../harness/crawl.ts';
import { link } from '../harness/mail.ts';
import { root } from '../harness/paths.ts';
import { World } from '../harness/world.ts';
import { accept, invite, makeToken, setUp } from '../pages/people.ts';
import { confirm, subscribe } from '../pages/public.ts';

const ADMIN = { name: '<img src=x onerror=alert(1)>', email: 'ada@northwind.example', password: 'the kettle is on the hob' };
const SECOND = { name: '"><script>alert(1)</script>', email: 'grace@northwind.example' };
const READER = 'reader@example.net';

/** Payloads in one text. */
const AT_ONCE = 16;

const payloads = readFileSync(root('server/outbound/src/markdown/payloads.txt'), 'utf8').split('\n').filter(Boolean);
const titles = payloads.filter((payload) => payload.length <= 70);
const bodies = Array.from({ length: Math.ceil(payloads.length / AT_ONCE) }, (_, n) =>
  payloads.slice(n * AT_ONCE, (n + 1) * AT_ONCE).join('\n\n'),
);

/** A title that nothing else has. */
let given = 0;
const title = () => {
  const payload = titles[given++ % titles.length] ?? '';
  return `${payload} ${given}`;
};

const typing = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);

test.describe.configure({ mode: 'serial' });

let world: World;
let page: Page;
let api: Api;
let heard: string[];

/** What a page has that only a payload can have brought. */
async function foreign(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const own = (script: HTMLScriptElement) =>
      script.src ? new URL(script.src).origin === location.origin : script.nonce !== '' || /json/.test(script.type);
    for (const node of document.querySelectorAll('*')) {
      const name = node.localName;
      if (name === 'script' && !own(node as HTMLScriptElement)) found.push(node.outerHTML.slice(0, 120));
      if (/^(img|iframe|object|embed|base|audio|video|frame|marquee|math|applet|bgsound|layer|xml)$/.test(name)) found.push(node.outerHTML.slice(0, 120));
      for (const { name, value } of node.attributes) {
        const runs = /^on/i.test(name) || name === 'style' || name === 'srcdoc';
        const leads = /^(href|src|action|formaction|xlink:href|data|background|poster)$/i.test(name);
        const scheme = /^[\s\u0000-\u001f]*([a-z][a-z0-9+.-]*):/i.exec(value)?.[1]?.toLowerCase();
        if (runs || (leads && scheme && !['http', 'https', 'mailto', 'webcal'].includes(scheme))) found.push(`${node.localName} ${name}=${value}`.slice(0, 160));
      }
    }
    return found;
  });
}

test.beforeAll(async ({ browser }) => {
  world = await World.begin();
  page = await (await browser.newContext()).newPage();
  heard = complaints(page);
  page.on('dialog', (dialog) => {
    heard.push(`a dialog on ${page.url()}: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await setUp(page, await world.server.setupLink(), ADMIN);
  const scopes = ['admin', 'read', 'inventory:write', 'maintenance:write', 'incident:write', 'backup:report', 'alert:report', 'metric:write'];
  api = new Api(world.url, world.front.certificate, await makeToken(page, world.url, '<b onmouseover=alert(1)>t', scopes));
});

test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && world) {
    void info.attach('server.log', { body: world.log(200), contentType: 'text/plain' });
  }
});

test.afterAll(() => world?.end());

test('all fields are filled', async ({ browser }) => {
  test.setTimeout(240_000);
  expect(bodies.length).toBeGreaterThanOrEqual(7);
  await subscribe(page, world.url, typing, READER);
  await confirm(page, link(await world.mail.nth(READER, 1), '/subscribe/confirm/'));
  const reviewer = await reader(browser);
  for (const body of bodies) {
    const group = await api.group(title());
    const component = (
      await api.post<{ id: string }>('/components', { name: title(), description: title(), group_id: group, hosts: [] })
    ).id;
    const host = (await api.post<{ id: string; version: number }>('/hosts', { name: title(), note: title() })).id;
    await api.put(`/hosts/${host}/exemption`, { version: 1, reason: title() });
    await api.post('/data-sets', { host_id: host, name: title(), kind: 'files' });
    await api.post('/templates', { name: title(), used_for: 'incident', title: title(), body });
    const states = [{ id: component, state: 'partial_outage' }];
    const incident = await api.post<{ id: string; version: number }>('/incidents', { title: title(), body, components: states });
    await api.post(`/incidents/${incident.id}/updates`, { state: 'resolved', body, components: [] });
    await api.post('/incidents', { title: title(), body, components: states, draft: true });
    const news = await api.post<{ id: string; version: number }>('/announcements', {
      title: title(), body, category: 'changelog', pinned: true, tells: true, components: [component],
      zone: 'UTC', banner_until: '2036-01-01T00:00',
    });
    await api.post(`/announcements/${news.id}/publish`, { version: news.version });
    await api.put(`/incidents/${incident.id}/post-mortem`, { body });
    await api.post(`/incidents/${incident.id}/action-items`, { title: title(), owner: title(), link: 'https://example.org/?<script>' });
    const written = await api.get<{ version: number }>(`/incidents/${incident.id}/post-mortem`);
    await api.post(`/incidents/${incident.id}/post-mortem/submit`, { version: written.version });
    await reviewer.goto(`${world.url}/admin/incidents/${incident.id}/post-mortem`);
    await reviewer.getByRole('button', { name: 'It is good' }).click();
    const reviewed = await api.get<{ version: number }>(`/incidents/${incident.id}/post-mortem`);
    await api.post(`/incidents/${incident.id}/post-mortem/publish`, { version: reviewed.version });
    const metric = await api.post<{ slug: string }>('/metrics', { name: title(), unit: '<b>', is_public: true, component });
    await api.post(`/metrics/${metric.slug}/points`, [{ at: new Date().toISOString(), value: 7 }]);
    await api.post('/report-figures', { name: title(), unit: '<i>', is_public: true });
    await api.post('/alerts/generic', { key: title(), status: 'firing', title: title(), labels: { '<b>': title() } });
  }
  await reviewer.context().close();
});

/** A second person, who reads what the first one wrote. */
async function reader(browser: Browser): Promise<Page> {
  const invitation = await invite(page, world.url, SECOND, 'Approver');
  const second = await (await browser.newContext()).newPage();
  await accept(second, invitation, 'another kettle, another hob');
  return second;
}

test('work is planned, with words of the same kind', async () => {
  const [component] = (await api.get<{ items: { id: string }[] }>('/components')).items;
  for (const message of bodies) {
    await api.post('/maintenances', {
      title: title(), message, components: [component?.id], zone: 'UTC', start: '2036-02-01T10:00', end: '2036-02-01T11:00',
    });
  }
});

test('no page of the team runs any of it', async () => {
  test.setTimeout(400_000);
  const visited = await crawl(
    page,
    world.url,
    { from: ['/admin'], within: (path) => path.startsWith('/admin'), ofOneKind: 6 },
    async (path) => expect.soft(await foreign(page), path).toEqual([]),
  );
  for (const place of ['incidents', 'announcements', 'action-items', 'alerts', 'metrics', 'reports', 'maintenances', 'audit']) {
    expect(visited).toContain(`/admin/${place}`);
  }
  expect(heard).toEqual([]);
});

test('no page for customers runs any of it', async () => {
  test.setTimeout(240_000);
  const visited = await crawl(
    page,
    world.url,
    { from: ['/', '/history', '/announcements', '/reports'], within: (path) => !/^\/(admin|sign|setup|password)/.test(path), ofOneKind: 14 },
    async (path) => expect.soft(await foreign(page), path).toEqual([]),
  );
  for (const kind of ['/incidents/', '/announcements/', '/components/', '/charts/']) {
    expect(visited.some((path) => path.startsWith(kind)), kind).toBe(true);
  }
  expect(heard).toEqual([]);
});

test('no mail runs any of it', async ({ browser }) => {
  test.setTimeout(240_000);
  const news = 4 * bodies.length;
  await expect.poll(async () => (await world.mail.to(READER)).length, { timeout: 60_000 }).toBeGreaterThanOrEqual(news);
  const open = await (await browser.newContext()).newPage();
  const ran: string[] = [];
  open.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  for (const mail of await world.mail.all()) {
    await open.setContent(mail.parsed.html ?? '');
    const found = await open.evaluate(() => {
      const all = [...document.querySelectorAll('*')];
      const runs = all.filter((node) => [...node.attributes].some((a) => /^on/i.test(a.name) || /^\s*(javascript|vbscript|data):/i.test(a.value)));
      const places = all.filter((node) => /^(script|iframe|object|embed|img|svg|form|base)$/.test(node.localName));
      return [...runs, ...places].map((node) => node.outerHTML.slice(0, 160));
    });
    expect.soft(found, mail.what).toEqual([]);
  }
  expect(ran).toEqual([]);
  expect(await world.mail.checkAll()).toBeGreaterThan(news);
});
