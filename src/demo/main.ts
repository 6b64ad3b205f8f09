/** `npm run demo`. */
import { needNode } from '../programs/node-version.ts';

needNode('demo');
await import('./run-demo.ts');
