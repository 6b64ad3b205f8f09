import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardOf } from '../../src/protocol/shard.ts';
import { decideMapping, parseDecisionSubject, subjects } from '../../src/protocol/subjects.ts';
import { character } from './characters.ts';

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe('decision subjects', () => {
  it('what is written can be read, for every name', () => {
    fc.assert(
      fc.property(name, name, fc.integer({ min: 1, max: 1_024 }), (pool, agent, shards) => {
        const subject = subjects('ns').decision(pool, agent, shards);
        expect(parseDecisionSubject('ns', subject)).toEqual({ shard: shardOf(pool, shards), pool, agent });
      }),
    );
  });

  it('of a whole shard can be read too', () => {
    const subject = subjects('ns').shardDecision(12, '_sweeper', '_shard');
    expect(subject).toBe('ns.decisions.12._shard._sweeper');
    expect(parseDecisionSubject('ns', subject)).toEqual({ shard: 12, pool: '_shard', agent: '_sweeper' });
  });

  it.each([
    '',
    'converge',
    'converge.decisions',
    'converge.decisions.0',
    'converge.decisions.0.pool',
    'converge.decisions.0.pool.',
    'converge.decisions.0..agent',
    'converge.decisions.0.pool.agent.more',
    'converge.decisions..pool.agent',
    'converge.decisions.x.pool.agent',
    'converge.decisions.-1.pool.agent',
    'converge.decisions.01.pool.agent',
    'converge.decisions.1e3.pool.agent',
    'converge.decisions.100000.pool.agent',
    'converge.decisions.0.*.agent',
    'converge.decisions.0.pool.>',
    'converge.decisions.0.pool.ag ent',
    'converge.decisions.0.pool.agent\n',
    'converge.decisions.0.p\u202eool.agent',
    'converge.decisions.0.pööl.agent',
    `converge.decisions.0.${'p'.repeat(65)}.agent`,
    `converge.decisions.0.pool.${'a'.repeat(65)}`,
    'other.decisions.0.pool.agent',
    'convergexdecisions.0.pool.agent',
    'converge.events.0.pool.agent',
    'CONVERGE.decisions.0.pool.agent',
  ])('%j is none', (subject) => {
    expect(parseDecisionSubject('converge', subject)).toBeUndefined();
  });

  it('reading never throws and never invents a name', () => {
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 80 }), (tail) => {
        const address = parseDecisionSubject('ns', `ns.decisions.${tail}`);
        if (address === undefined) return;
        expect(`${address.shard}.${address.pool}.${address.agent}`).toBe(tail);
        expect(address.pool).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        expect(address.agent).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      }),
    );
  });

  it('the server’s mapping names the namespace, the shards and the pool as what decides', () => {
    expect(decideMapping('ns', 16)).toBe(
      'mappings = { "ns.decide.*.*": "ns.decisions.{{partition(16,1)}}.{{wildcard(1)}}.{{wildcard(2)}}" }',
    );
    expect(subjects('ns').decide('pool', 'agent')).toBe('ns.decide.pool.agent');
  });
});

describe('the other subjects', () => {
  it('are those of docs/protocol.md, "Subjects"', () => {
    const s = subjects('ns');
    expect(s.result('ann', 'd-1')).toBe('ns.results.ann.d-1');
    expect(s.events(3, 'pool')).toBe('ns.events.3.pool');
    expect(s.query('task')).toBe('ns.queries.task');
    expect(s.deadLetter(3)).toBe('ns.deadletters.3');
    expect(s.sweeps).toBe('ns.sweeps');
    expect(s.query('task', 'ann')).toBe('ns.queries.task.ann');
    expect(subjects().namespace).toBe('converge');
    expect(subjects().sweeps).toBe('converge.sweeps');
  });

  it('events of one asker are delivered where only this one listens', () => {
    const s = subjects('ns');
    expect(s.feed('ann', 'f-1')).toBe('ns.feeds.ann.f-1');
    expect(s.feedsOf('ann')).toBe('ns.feeds.ann.*');
  });

  it('are matched by what subscribers listen to', () => {
    const s = subjects('ns');
    expect(s.resultsOf('ann')).toBe('ns.results.ann.*');
    expect(s.eventsOf('pool')).toBe('ns.events.*.pool');
    expect(s.shardEvents(3)).toBe('ns.events.3.*');
    expect(s.eventsOf()).toBe(s.allEvents);
    expect(s.shardLog(3)).toBe('ns.decisions.3.>');
    expect(s.allEvents).toBe('ns.events.>');
    expect(s.allDeadLetters).toBe('ns.deadletters.*');
    expect(s.allResults).toBe('ns.results.*.*');
  });

  it('streams are named as JetStream names them, and found again by every later version', () => {
    const s = subjects('ns');
    expect(s.streams).toEqual({
      decisions: 'NS_DECISIONS',
      events: 'NS_EVENTS2',
      deadLetters: 'NS_DEADLETTERS',
      snapshots: 'OBJ_NS_SNAPSHOTS',
      marks: 'NS_MARKS',
    });
    expect(s.snapshotBucket).toBe('NS_SNAPSHOTS');
    expect(s.snapshotChunks).toBe('$O.NS_SNAPSHOTS.C.>');
    expect(s.snapshotHeads).toBe('$O.NS_SNAPSHOTS.M.>');
  });

  it('namespaces that differ in case have streams of their own', () => {
    const names = ['team', 'Team', 'TEAM', 'tEAM', 'team_1', 'Team_1'];
    const streams = names.flatMap((name) => Object.values(subjects(name).streams));
    expect(new Set(streams).size).toBe(streams.length);
    expect(new Set(names.map((name) => subjects(name).snapshotBucket)).size).toBe(names.length);
  });
});
