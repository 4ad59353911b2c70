// The JSON API, as a program uses it.

import { request as httpsRequest } from 'node:https';
import { readFileSync } from 'node:fs';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** One request, trusting the proxy's certificate, without cookies, following nothing. */
export function ask(
  url: string,
  certificate: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {}, ca: readFileSync(certificate), agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

export interface Job {
  id: string;
  ping_url: string;
}

/** Keeps the inventory with a token. */
export class Api {
  constructor(
    private readonly base: string,
    private readonly certificate: string,
    private readonly token: string,
  ) {}

  async post<T>(path: string, body: unknown): Promise<T> {
    return this.send('POST', path, body);
  }

  async get<T>(path: string): Promise<T> {
    return this.send('GET', path);
  }

  async put<T>(path: string, body: unknown): Promise<T> {
    return this.send('PUT', path, body);
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.send('PATCH', path, body);
  }

  private async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await ask(`${this.base}/api/v1${path}`, this.certificate, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  async host(name: string, runsOn?: string): Promise<string> {
    return (await this.post<{ id: string }>('/hosts', { name, ...(runsOn ? { runs_on: runsOn } : {}) })).id;
  }

  async dataSet(host: string, name: string, kind: 'files' | 'database' | 'image' | 'other'): Promise<string> {
    return (await this.post<{ id: string }>('/data-sets', { host_id: host, name, kind })).id;
  }

  async job(dataSet: string, name: string, tool: string, carriedBy?: string): Promise<Job> {
    const carrier = carriedBy ? { carried_by: carriedBy } : {};
    return this.post('/jobs', { data_set_id: dataSet, name, tool, every: '24 h', max_duration: '6 h', ...carrier });
  }

  async group(name: string): Promise<string> {
    return (await this.post<{ id: string }>('/component-groups', { name })).id;
  }

  async component(name: string, group: string, hosts: string[] = []): Promise<string> {
    return (await this.post<{ id: string }>('/components', { name, group_id: group, hosts })).id;
  }
}
