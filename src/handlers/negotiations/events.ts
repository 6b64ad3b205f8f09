import type { Origin } from '../../protocol/documents.ts';
import type { Json } from '../../protocol/json.ts';
import type { Happened } from '../kernel/happened.ts';

export interface NegotiationOpenedData {
  readonly opener: string;
  readonly participants: readonly string[];
  readonly proposalId: string;
  readonly proposal: Json;
  readonly deadline?: number;
  readonly order: number;
  readonly origin: Origin;
}

export interface CounteredData {
  readonly proposalId: string;
  readonly proposer: string;
  readonly content: Json;
}

export type NegotiationEvent =
  | Happened<'negotiation.opened', NegotiationOpenedData>
  | Happened<'negotiation.countered', CounteredData>
  | Happened<
      'negotiation.accepted_by',
      { readonly proposalId: string; readonly participant: string; readonly missing: readonly string[] }
    >
  | Happened<'negotiation.accepted', { readonly proposalId: string }>
  | Happened<
      'negotiation.rejected',
      { readonly proposalId: string; readonly by: string; readonly reason?: string }
    >
  | Happened<'negotiation.expired', { readonly proposalId: string; readonly missing: readonly string[] }>
  | Happened<'negotiation.removed', Record<string, never>>;
