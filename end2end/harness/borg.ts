// A host with real backups: borgmatic and a borg repository, reporting to a ping address.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process.ts';

export class BorgHost {
  private constructor(
    private readonly home: string,
    private readonly config: string,
    private readonly certificate: string,
  ) {}

  /** Makes some files, a repository, and the configuration that an operator writes. */
  static async set(folder: string, name: string, pingUrl: string, certificate: string): Promise<BorgHost> {
    const home = join(folder, `borg-${name}`);
    const source = join(home, 'srv');
    const repository = join(home, 'repository');
    mkdirSync(source, { recursive: true });
    for (let n = 0; n < 20; n++) writeFileSync(join(source, `page-${n}.html`), `<p>Page ${n} of ${name}</p>\n`.repeat(50));
    const config = join(home, 'borgmatic.yaml');
    writeFileSync(
      config,
      `location:
    source_directories:
        - ${source}
    repositories:
        - ${repository}
storage:
    encryption_passphrase: "only for this test"
    archive_name_format: '${name}-{now:%Y-%m-%dT%H:%M:%S.%f}'
retention:
    keep_daily: 7
consistency:
    checks:
        - name: repository
hooks:
    healthchecks:
        ping_url: ${pingUrl}
`,
      { mode: 0o600 },
    );
    const host = new BorgHost(home, config, certificate);
    await host.borgmatic('init', '--encryption', 'repokey');
    return host;
  }

  /** A whole backup, as the timer would start it. */
  async backUp(): Promise<void> {
    await this.borgmatic('create');
  }

  /** How many backups the repository holds. */
  async archives(): Promise<number> {
    const { stdout } = await this.borgmatic('list', '--json');
    const [repository] = JSON.parse(stdout) as [{ archives: unknown[] }];
    return repository.archives.length;
  }

  private borgmatic(...args: string[]) {
    return run('/usr/bin/borgmatic', ['--config', this.config, '--no-color', ...args], {
      env: {
        HOME: this.home,
        BORG_BASE_DIR: this.home,
        LANG: 'C.UTF-8',
        BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
        REQUESTS_CA_BUNDLE: this.certificate,
      },
      timeoutMs: 120_000,
    });
  }
}

/**
 * What people put around a dump in a cron job: `curl URL/start; pg_dump …; curl URL/$?`. The dump itself is any command.
 */
export async function reportedRun(pingUrl: string, certificate: string, command: string, during?: () => void): Promise<void> {
  const curl = `curl --silent --show-error --fail --retry 3 --cacert "$CA" --output /dev/null`;
  await run('sh', ['-c', `${curl} "$URL/start"`], { env: { URL: pingUrl, CA: certificate } });
  during?.();
  await run('sh', ['-c', `${command}; code=$?; ${curl} "$URL/$code"`], { env: { URL: pingUrl, CA: certificate } });
}
