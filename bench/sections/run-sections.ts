import type { SectionName } from '../options.ts';
import type { Results } from '../report/results.ts';
import type { SectionContext } from './section.ts';
import { throughput } from './throughput.ts';

/** One after the other, each on servers of its own. */
export async function runSections(wanted: readonly SectionName[], context: SectionContext): Promise<Results> {
  let results: Results = {};
  for (const section of wanted) {
    context.say(`${section}:`);
    switch (section) {
      case 'throughput':
        results = { ...results, throughput: await throughput(context) };
        break;
    }
  }
  return results;
}
