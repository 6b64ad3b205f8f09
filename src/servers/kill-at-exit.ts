import type { Life } from './life.ts';

const alive = new Set<Life>();
let listening = false;

/**
 * The net below a caller that exits without stopping its servers. It holds for every way of exiting that Node knows of,
 * an uncaught exception among them; a parent that is ended by a signal is the business of launch-guard.ts.
 */
export function killAtExit(life: Life): void {
  if (!listening) {
    listening = true;
    process.on('exit', () => {
      for (const each of alive) each.killNow();
    });
  }
  alive.add(life);
  void life.ended.then(() => alive.delete(life));
}
