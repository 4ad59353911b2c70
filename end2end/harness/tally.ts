// Ends the run with one line that other programs can add up.

import type { FullResult, Reporter, TestCase } from '@playwright/test/reporter';

export default class Tally implements Reporter {
  private readonly cases = new Set<TestCase>();

  onTestEnd(test: TestCase): void {
    this.cases.add(test);
  }

  onEnd(result: FullResult): void {
    const outcomes = [...this.cases].map((test) => test.outcome());
    const count = (...wanted: string[]) => outcomes.filter((outcome) => wanted.includes(outcome)).length;
    const skipped = count('skipped');
    console.log(
      `end2end: ${count('expected', 'flaky')} passed, ${count('unexpected')} failed${skipped ? `, ${skipped} skipped` : ''}`,
    );
    if (result.status !== 'passed') console.log(`end2end: the run ${result.status}`);
  }

  printsToStdio(): boolean {
    return false;
  }
}
