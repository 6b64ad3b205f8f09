import { cliTarget } from './cli.ts';
import { clientTarget } from './client.ts';
import { configTarget } from './config.ts';
import { decisionTarget } from './decision.ts';
import { headersTarget } from './headers.ts';
import { jsonTarget } from './json.ts';
import { queryTarget } from './query.ts';
import { storedTarget } from './stored.ts';
import { subjectTarget } from './subject.ts';
import type { Target } from './target.ts';

export const TARGETS: readonly Target[] = [
  decisionTarget,
  clientTarget,
  jsonTarget,
  subjectTarget,
  queryTarget,
  configTarget,
  storedTarget,
  cliTarget,
  headersTarget,
];
