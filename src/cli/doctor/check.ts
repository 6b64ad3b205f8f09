/** The findings of the doctor: one line per check. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly detail: string;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail });
export const warn = (name: string, detail: string): Check => ({ name, status: 'warn', detail });
export const fail = (name: string, detail: string): Check => ({ name, status: 'fail', detail });

const MOST_NAMED = 12;

/** `shards 1, 2, 3`; of very many only the first. */
export function shardList(shards: readonly number[]): string {
  const named = shards.slice(0, MOST_NAMED).join(', ');
  const others = shards.length - MOST_NAMED;
  return `${shards.length === 1 ? 'shard' : 'shards'} ${named}${others > 0 ? ` and ${others} more` : ''}`;
}
