// A relay that takes mail over SMTP, and what lies in the mailboxes behind it.

import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { expect } from '@playwright/test';
import { Service, run } from './process.ts';
import { python, tool } from './paths.ts';

export interface Mail {
  /** The file as it came. */
  path: string;
  to: string;
  /** The plain text with its line ends as `\n`. */
  text: string;
  /** The first line of the text: what happened. */
  what: string;
  parsed: Email;
}

export class MailServer {
  private constructor(
    private readonly service: Service,
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async start(folder: string, port: number): Promise<MailServer> {
    const kept = join(folder, 'mail');
    mkdirSync(kept, { recursive: true });
    const service = new Service('the mail relay', python(), [tool('smtpd.py'), String(port), kept], {
      log: join(folder, 'smtpd.log'),
    });
    await service.printed(/listening/);
    return new MailServer(service, kept, port);
  }

  async stop(): Promise<void> {
    await this.service.stop();
  }

  /** Every mail so far, in order of arrival. */
  async all(): Promise<Mail[]> {
    const envelopes = readdirSync(this.folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
    return Promise.all(
      envelopes.map(async (name) => {
        const path = join(this.folder, name.replace('.json', '.eml'));
        const envelope = JSON.parse(readFileSync(join(this.folder, name), 'utf8')) as { to: string[] };
        const parsed = await PostalMime.parse(readFileSync(path));
        const text = (parsed.text ?? '').replaceAll('\r\n', '\n');
        return { path, to: envelope.to.join(', '), text, what: text.trimStart().split('\n')[0] ?? '', parsed };
      }),
    );
  }

  async to(address: string): Promise<Mail[]> {
    return (await this.all()).filter((mail) => mail.to === address);
  }

  /** Waits until so many mails to this address are there, no more and no fewer, and gives the last one. */
  async nth(address: string, count: number): Promise<Mail> {
    await expect
      .poll(async () => (await this.to(address)).map((mail) => mail.what), {
        message: `mail number ${count} to ${address}`,
        timeout: 20_000,
      })
      .toHaveLength(count);
    const mails = await this.to(address);
    const last = mails.at(-1);
    if (!last) throw new Error('no mail');
    return last;
  }

  /** Checks structure and headers of every mail with a reader that is not ours. */
  async checkAll(): Promise<number> {
    const mails = await this.all();
    for (const mail of mails) {
      const flags = mail.parsed.headers.some((header) => header.key === 'list-unsubscribe') ? [] : ['--confirmation'];
      await run(python(), [tool('mailcheck.py'), ...flags, mail.path]);
    }
    return mails.length;
  }
}

/** The value of a header that must be there. */
export function header(mail: Mail, name: string): string {
  const value = mail.parsed.headers.find((header) => header.key === name.toLowerCase())?.value;
  if (value === undefined) throw new Error(`${mail.path} has no ${name}`);
  return value;
}

/** The first address in the text whose path starts with this. */
export function link(mail: Mail, path: string): string {
  const found = mail.text.match(/https?:\/\/\S+/g)?.find((url) => new URL(url).pathname.startsWith(path));
  if (!found) throw new Error(`no link to ${path} in\n${mail.text}`);
  return found;
}
