// One installation with everything around it: clock, relay, proxy, server.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WallClock } from './clock.ts';
import { freePorts } from './ports.ts';
import { Front } from './front.ts';
import { MailServer } from './mail.ts';
import { Fermata } from './server.ts';
import { Postgres } from './postgres.ts';

export interface Wish {
  /** The UTC time at which the story begins; without, the clock is the system's. */
  begins?: string;
  database?: 'sqlite' | 'postgres';
  /** With the demo week in it. */
  demo?: boolean;
}

export class World {
  private constructor(
    readonly folder: string,
    /** The address people type. */
    readonly url: string,
    /** The server itself, without the proxy before it. */
    readonly direct: string,
    readonly clock: WallClock,
    readonly mail: MailServer,
    readonly server: Fermata,
    readonly front: Front,
    private readonly postgres: Postgres | undefined,
  ) {}

  static async begin(wish: Wish = {}): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'fermata-end2end-'));
    const [port, behind, smtpPort] = await freePorts(3);
    if (!port || !behind || !smtpPort) throw new Error('no ports');
    const clock = new WallClock(folder, wish.begins ?? new Date().toISOString());
    const url = `https://localhost:${port}`;
    const [front, mail, postgres] = await Promise.all([
      Front.start(folder, port, behind),
      MailServer.start(folder, smtpPort),
      wish.database === 'postgres' ? Postgres.start(folder) : undefined,
    ]);
    const server = new Fermata({
      folder,
      clock: wish.begins ? clock : undefined,
      publicUrl: url,
      port: behind,
      smtpPort,
      database: postgres?.url,
      demo: wish.demo,
    });
    const world = new World(folder, url, `http://127.0.0.1:${behind}`, clock, mail, server, front, postgres);
    try {
      await server.start();
    } catch (error) {
      await world.end();
      throw error;
    }
    return world;
  }

  async end(): Promise<void> {
    try {
      await this.server.stop();
    } finally {
      await Promise.all([this.mail.stop(), this.front.stop(), this.postgres?.stop()]);
      if (!process.env.FERMATA_KEEP) rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** The last lines the server logged, for the message of a failure. */
  log(lines = 60): string {
    return readFileSync(join(this.folder, 'fermata.log'), 'utf8').split('\n').slice(-lines).join('\n');
  }
}
