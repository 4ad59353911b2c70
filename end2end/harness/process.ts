// Runs other programs: to their end, or until told to stop. What they print is kept for the message of a failure.

import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Options {
  cwd?: string;
  env?: Record<string, string>;
  input?: string;
  /** Any code is an answer; otherwise only 0 is. */
  anyCode?: boolean;
  timeoutMs?: number;
}

/** Runs a program to its end. */
export async function run(program: string, args: string[], options: Options = {}): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code === null || (code !== 0 && !options.anyCode)) {
    throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}\n${stdout}\n${stderr}`);
  }
  return { code, stdout, stderr };
}

/** A program that runs beside the test. */
export class Service {
  private readonly child: ChildProcess;
  private text = '';
  private waiting: (() => void)[] = [];

  constructor(
    readonly name: string,
    program: string,
    args: string[],
    options: { cwd?: string; env?: Record<string, string>; log: string },
  ) {
    this.child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(options.log, { flags: 'a' });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text);
        this.text += text;
        this.wake();
      });
    }
    this.child.on('error', (error) => {
      this.text += `\n${error}`;
      this.wake();
    });
    this.child.on('close', () => {
      log.end();
      this.wake();
    });
  }

  get output(): string {
    return this.text;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  /** The first match in what it prints, now or later. */
  async printed(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const found = pattern.exec(this.text);
      if (found) return found;
      const left = until - Date.now();
      if (!this.alive || left <= 0) throw new Error(`${this.name} did not print ${pattern}:\n${this.text.slice(-4000)}`);
      await this.somethingNew(left);
    }
  }

  /** Asks it to stop and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 20_000): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.child, 'close');
    this.child.kill(signal);
    const hard = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    await ended;
    clearTimeout(hard);
    if (signal === 'SIGTERM' && this.child.signalCode === 'SIGKILL') {
      throw new Error(`${this.name} did not stop within ${timeoutMs} ms:\n${this.text.slice(-4000)}`);
    }
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const go of waiting) go();
  }

  private somethingNew(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
