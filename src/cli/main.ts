#!/usr/bin/env -S node --max-semi-space-size=64
/** The `converge` command. */
import { needNode } from '../programs/node-version.ts';

needNode('converge');
await import('./run.ts');
