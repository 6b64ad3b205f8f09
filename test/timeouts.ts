/** How long tests wait for what has to come: `vi.waitFor` alone gives up after a second, which a busy machine needs for less. */
import { vi } from 'vitest';

const WITHIN_MS = 60_000;

const waitFor = vi.waitFor;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: WITHIN_MS, ...options });
