import { defineConfig } from '@playwright/test';
import { CHROMIUM } from './harness/paths.ts';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // Each file has a server of its own; within a file the tests are one story.
  fullyParallel: false,
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 10_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }], ['./harness/tally.ts']],
  use: {
    actionTimeout: 15_000,
    ignoreHTTPSErrors: true,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
        ...['--disable-component-update', '--disable-sync', '--disable-default-apps', '--no-default-browser-check'],
      ],
    },
  },
  projects: [
    { name: 'with scripts', use: { javaScriptEnabled: true } },
    { name: 'on PostgreSQL', testMatch: /week\.spec\.ts/, metadata: { database: 'postgres' } },
    { name: 'without scripts', testMatch: /(week|people|storm)\.spec\.ts/, use: { javaScriptEnabled: false } },
  ],
});
