// Calendars as their readers see them: vdirsyncer and khal as a person has them on the desk, and four parsers.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import ICAL from 'ical.js';
import nodeIcal from 'node-ical';
import { run } from './process.ts';
import { python, tool } from './paths.ts';

export interface Event {
  uid: string;
  /** UTC, `2014-05-15T19:00:00Z`. */
  start: string;
  status: string;
}

/** A person's calendar in one time zone, kept up to date by vdirsyncer and shown by khal. */
export class Desk {
  private constructor(
    private readonly folder: string,
    private readonly khalConfig: string,
    private readonly syncConfig: string,
  ) {}

  static async set(folder: string, feed: string, certificate: string, zone: string): Promise<Desk> {
    const home = join(folder, `desk-${zone.replaceAll('/', '-')}`);
    mkdirSync(join(home, 'events'), { recursive: true });
    const syncConfig = join(home, 'vdirsyncer.conf');
    writeFileSync(
      syncConfig,
      `[general]
status_path = "${home}/status/"

[pair work]
a = "feed"
b = "desk"
collections = null

[storage feed]
type = "http"
url = "${feed}"
verify = "${certificate}"

[storage desk]
type = "filesystem"
path = "${home}/events/"
fileext = ".ics"
`,
    );
    const khalConfig = join(home, 'khal.conf');
    writeFileSync(
      khalConfig,
      `[calendars]
[[work]]
path = ${home}/events/

[locale]
local_timezone = ${zone}
default_timezone = ${zone}
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M

[sqlite]
path = ${home}/khal.db
`,
    );
    const desk = new Desk(home, khalConfig, syncConfig);
    await desk.vdirsyncer('discover');
    return desk;
  }

  /** Fetches the feed and lists what khal shows from this day on, one line for each event. */
  async list(from: string, days: number): Promise<string[]> {
    await this.vdirsyncer('sync');
    const format = '{start-date} {start-time}-{end-time} {title} {status}';
    const { stdout } = await run(
      '/usr/bin/khal',
      ['-c', this.khalConfig, 'list', '--once', '--day-format', '', '--format', format, from, `${days}d`],
      { env: this.env() },
    );
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && line !== 'No events');
  }

  /** Waits until khal shows exactly these lines. */
  async shows(from: string, days: number, lines: (string | RegExp)[]): Promise<void> {
    await expect
      .poll(() => this.list(from, days), { message: 'what khal shows', timeout: 20_000 })
      .toEqual(lines.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))));
  }

  private async vdirsyncer(command: string): Promise<void> {
    await run('/usr/bin/vdirsyncer', ['-c', this.syncConfig, command], { env: this.env() });
  }

  private env(): Record<string, string> {
    return { HOME: this.folder, XDG_CONFIG_HOME: this.folder, XDG_DATA_HOME: this.folder, LANG: 'C.UTF-8' };
  }
}

/** Strict readers go over a served feed and must agree. Gives back what they all read. */
export async function readByAll(folder: string, feed: string): Promise<Event[]> {
  const file = join(folder, 'served.ics');
  writeFileSync(file, feed);
  await run(python(), [tool('feedcheck.py'), file]);
  const byPython = JSON.parse((await run(python(), [tool('events.py'), file])).stdout) as Event[];
  const byIcalJs = new ICAL.Component(ICAL.parse(feed)).getAllSubcomponents('vevent').map((component) => {
    const event = new ICAL.Event(component);
    return {
      uid: event.uid,
      start: seconds(event.startDate.toJSDate()),
      status: String(component.getFirstPropertyValue('status')),
    };
  });
  const byNodeIcal = Object.values(nodeIcal.sync.parseICS(feed)).flatMap((item) =>
    item?.type === 'VEVENT'
      ? [{ uid: item.uid, start: seconds(item.start), status: String(item.status) }]
      : [],
  );
  expect(sorted(byIcalJs), 'ical.js').toEqual(sorted(byPython));
  expect(sorted(byNodeIcal), 'node-ical').toEqual(sorted(byPython));
  return sorted(byPython);
}

function seconds(at: Date): string {
  return at.toISOString().replace('.000Z', 'Z');
}

function sorted(events: Event[]): Event[] {
  return events.toSorted((a, b) => a.uid.localeCompare(b.uid));
}
