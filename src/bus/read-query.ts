/** From the bytes of a request to a query of its name, or to what is wrong with them. Nothing here throws. */
import type { Code } from '../protocol/codes.ts';
import { faultOf } from '../protocol/decode.ts';
import { parseJson } from '../protocol/json.ts';
import { QUERIES, type QueryName, type QueryOf } from '../protocol/queries.ts';

export interface QueryFault {
  readonly code: Code;
  readonly message: string;
}

export function readQuery<N extends QueryName>(
  name: N,
  bytes: Uint8Array,
): { readonly query: QueryOf<N> } | { readonly error: QueryFault } {
  const parsed = bytes.length === 0 ? { ok: true as const, value: {} } : parseJson(bytes);
  if (!parsed.ok) return fault('invalid_query', parsed.why);
  const query = QUERIES[name].safeParse(parsed.value);
  if (!query.success) return fault('invalid_query', faultOf(query.error, ''));
  // The schema of a name gives the form of that name: the two are looked up by the same key.
  return { query: query.data as QueryOf<N> };
}

export function fault(code: Code, message: string): { readonly error: QueryFault } {
  return { error: { code, message } };
}
