// The real server, as `fermata serve` runs it, on a clock and a database of its own.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY } from './paths.ts';
import { Service } from './process.ts';
import type { WallClock } from './clock.ts';

export interface Setup {
  folder: string;
  clock: WallClock | undefined;
  /** Where the proxy in front of it is reached. */
  publicUrl: string;
  port: number;
  smtpPort: number;
  /** A `postgres://` address; without, SQLite in the folder. */
  database?: string | undefined;
  demo?: boolean | undefined;
}

export class Fermata {
  private service: Service | undefined;

  constructor(private readonly setup: Setup) {}

  async start(): Promise<void> {
    const { folder, clock, publicUrl, port, smtpPort, database, demo } = this.setup;
    const data = join(folder, 'data');
    mkdirSync(data, { recursive: true });
    const env: Record<string, string> = {
      ...clock?.env(),
      FERMATA_DATA_DIR: data,
      FERMATA_LISTEN: `127.0.0.1:${port}`,
      FERMATA_PUBLIC_URL: publicUrl,
      FERMATA_TRUSTED_PROXIES: '127.0.0.0/8',
      FERMATA_SMTP_HOST: '127.0.0.1',
      FERMATA_SMTP_PORT: String(smtpPort),
      FERMATA_SMTP_TLS: 'none',
      FERMATA_SMTP_FROM: 'status@northwind.example',
      FERMATA_SMTP_FROM_NAME: 'Northwind Hosting',
      FERMATA_LOG_LEVEL: 'info',
      NO_COLOR: '1',
    };
    if (database) {
      env.FERMATA_DATABASE = database;
      env.FERMATA_SECRET_KEY = 'a key that only this test has, and never another one';
    }
    this.service = new Service('fermata', BINARY, demo ? ['demo'] : ['serve'], {
      env,
      log: join(folder, 'fermata.log'),
    });
    const until = Date.now() + 60_000;
    for (;;) {
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      if (ready?.ok) return;
      if (!this.service.alive || Date.now() > until) {
        throw new Error(`fermata does not serve:\n${this.service.output.slice(-4000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What `serve` prints for whoever installs it: the one-time link for the first admin. */
  async setupLink(): Promise<string> {
    if (!this.service) throw new Error('not started');
    return (await this.service.printed(/https?:\/\/\S+\/setup\/\S+/))[0];
  }

  get output(): string {
    return this.service?.output ?? '';
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.service?.stop(signal);
  }
}
