/** `npm run demo`. */
import { needNode } from '../src/programs/node-version.ts';

needNode('demo');
await import('./run-demo.ts');
