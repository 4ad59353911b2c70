// Where things are.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const here = resolve(import.meta.dirname, '..');

/** The built server. `FERMATA_BIN` names another one. */
export const BINARY = process.env.FERMATA_BIN ?? join(here, '..', 'target', 'debug', 'fermata');

/** Debian's browser; nothing is downloaded. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A file of the project. */
export function root(path: string): string {
  return join(here, '..', path);
}

/** A script in `tools/`. */
export function tool(name: string): string {
  return join(here, 'tools', name);
}

/** Python with the packages of `requirements.txt`. */
export function python(): string {
  const path = join(here, '.venv', 'bin', 'python');
  if (!existsSync(path)) throw new Error(`${path} is missing: run .ci/setup test first`);
  return path;
}
