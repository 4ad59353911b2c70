// The clock on the wall, as the server sees it: the system's clock and an offset in a file, read by libfaketime at
// every call. It runs on by itself, survives a restart of the server, and jumps when the file is replaced. Timers
// stay real.

import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class WallClock {
  private readonly file: string;
  private offsetMs = 0;

  constructor(folder: string, start: string) {
    this.file = join(folder, 'clock');
    this.set(start);
  }

  /** Jumps to a UTC time such as `2014-05-15T18:55:00Z`. */
  set(time: string): void {
    const at = Date.parse(time);
    if (Number.isNaN(at)) throw new Error(`${time} is no time`);
    this.offsetMs = at - Date.now();
    const next = `${this.file}.next`;
    writeFileSync(next, `${(this.offsetMs / 1000).toFixed(3)}\n`);
    renameSync(next, this.file);
  }

  /** Jumps ahead. */
  advance(seconds: number): void {
    this.set(new Date(this.now().getTime() + seconds * 1000).toISOString());
  }

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }

  /** What a process needs in its environment to see this clock. */
  env(): Record<string, string> {
    return {
      LD_PRELOAD: library(),
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: this.file,
      TZ: 'UTC',
    };
  }
}

function library(): string {
  for (const folder of readdirSync('/usr/lib')) {
    const path = `/usr/lib/${folder}/faketime/libfaketime.so.1`;
    try {
      readdirSync(join('/usr/lib', folder, 'faketime'));
      return path;
    } catch {
      // Not this one.
    }
  }
  throw new Error('libfaketime is not installed (package libfaketime)');
}
