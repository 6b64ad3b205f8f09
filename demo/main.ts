/** `npm run demo`. */
import { needNode } from '../src/lib/program/node-version.ts';

needNode('demo');
await import('./run-demo.ts');
