// A PostgreSQL server of our own, as an unprivileged user, reached by a socket in its folder.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Service, run } from './process.ts';

export class Postgres {
  private constructor(
    private readonly service: Service,
    private readonly folder: string,
  ) {}

  get url(): string {
    return `postgres://fermata@localhost/postgres?host=${this.folder}`;
  }

  static async start(logs: string): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), 'fermata-postgres-'));
    const bin = programs();
    const data = join(folder, 'data');
    // PostgreSQL refuses to run as root.
    const root = process.getuid?.() === 0;
    if (root) await run('chown', ['postgres', folder]);
    const unprivileged = root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
    const command = (name: string, args: string[]) => [...unprivileged, join(bin, name), ...args] as [string, ...string[]];
    const [initdb, ...initdbArgs] = command('initdb', [
      ...['--auth=trust', '--username=fermata', '--encoding=UTF8', '--locale=C', '--no-sync', '-D', data],
    ]);
    await run(initdb, initdbArgs);
    const [postgres, ...postgresArgs] = command('postgres', [
      ...['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=16MB'],
    ]);
    const service = new Service('PostgreSQL', postgres, postgresArgs, { log: join(logs, 'postgres.log') });
    await service.printed(/ready to accept connections/);
    return new Postgres(service, folder);
  }

  async stop(): Promise<void> {
    await this.service.stop('SIGINT');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function programs(): string {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  if (!versions[0]) throw new Error('PostgreSQL is not installed (package postgresql)');
  return join('/usr/lib/postgresql', versions[0], 'bin');
}
