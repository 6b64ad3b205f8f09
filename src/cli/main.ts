#!/usr/bin/env -S node --max-semi-space-size=64
/** The `converge` command. */
import { needNode } from '../lib/program/node-version.ts';

needNode('converge');
await import('./run.ts');
