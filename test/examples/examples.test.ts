/** Every example runs to its end against a real system, and says what it promises. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main as contractNet } from '../../examples/contract-net.ts';
import { main as delegateAVote } from '../../examples/delegate-a-vote.ts';
import { main as negotiateAPrice } from '../../examples/negotiate-a-price.ts';
import { main as voteWithQuorum } from '../../examples/vote-with-quorum.ts';
import { DEFAULT_NAMESPACE } from '../../src/protocol/subjects.ts';
import { useSystem } from '../client/system.ts';

const system = useSystem({ namespace: DEFAULT_NAMESPACE });

describe('the examples', () => {
  let said: string[] = [];

  beforeEach(() => {
    said = [];
    vi.spyOn(console, 'log').mockImplementation((line) => {
      said.push(String(line).replace(/ +/g, ' '));
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('negotiate a price: they meet somewhere that both can live with', async () => {
    await negotiateAPrice(system.server.url);
    expect(said[0]).toBe('seller a carpet, for 120');
    expect(said.length).toBeGreaterThan(4);
    expect(said.at(-1)).toMatch(/^host accepted after \d offers: {"item":"carpet","price":(8[5-9]|90)}$/);
  });

  it('hold a vote with a quorum: without it nothing is decided, with it as soon as it can be', async () => {
    await voteWithQuorum(system.server.url);
    expect(said).toEqual([
      'host Shall we go today? 5 may vote, 3 have to.',
      'ann go',
      'bob go',
      'host closed: no winner (no_quorum)',
      'host Shall we go tomorrow? 5 may vote, 3 have to.',
      'ann go',
      'bob stay',
      'cid go',
      'dot go: that decides it, go',
      'eve stay: too late (vote_closed)',
      'eve I count {"stay":1,"go":3} as well: go',
    ]);
  });

  it('contract net: the cheapest does not start, the next one does the task', async () => {
    await contractNet(system.server.url);
    expect(said.filter((line) => line.startsWith('host'))).toEqual([
      'host goes to sleepy, for 20',
      'host goes to brush, for 25.5',
      'host brush has started; passed over: sleepy',
      'host painted: {"coats":2}',
    ]);
    expect(said).toContain('brush painting');
  });

  it('delegate a vote: as far as the delegation goes, and until it is revoked', async () => {
    await delegateAVote(system.server.url);
    expect(said).toEqual([
      'ann Bob votes for me on the budget',
      'bob budget, for bob: no → accepted',
      'bob budget, for ann: yes → accepted',
      'bob statutes, for ann: yes → scope_exceeded',
      'cid budget, for ann: yes → delegation_missing',
      'ann I am back',
      'bob budget, for ann: no → delegation_missing',
      'host no winner (no_majority): ann yes, bob no',
    ]);
  });
});
