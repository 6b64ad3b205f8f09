import type { SectionName } from '../options.ts';
import type { Results } from '../report/results.ts';
import { flood } from './flood.ts';
import { growth } from './growth/growth.ts';
import { latency } from './latency.ts';
import { scaleOut } from './scale-out.ts';
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
      case 'latency':
        results = { ...results, latency: await latency(context) };
        break;
      case 'growth':
        results = { ...results, growth: await growth(context) };
        break;
      case 'scale-out':
        results = { ...results, scaleOut: await scaleOut(context) };
        break;
      case 'flood':
        results = { ...results, flood: await flood(context) };
        break;
    }
  }
  return results;
}
