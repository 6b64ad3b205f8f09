import { expect, it } from 'vitest';
import { type Place, Window } from '../../src/bus/window.ts';

const begun: string[] = [];

function place(name: string, size = 1, begin = () => {}): Place {
  return {
    size,
    state: 'outside',
    begin: () => {
      begun.push(name);
      begin();
    },
  };
}

function whatBegan(): string[] {
  return begun.splice(0);
}

it('whoever finds the window full waits in line, first come, first served', () => {
  const window = new Window(2);
  const [a, b, c, d] = [place('a'), place('b'), place('c'), place('d')];
  for (const each of [a, b, c, d]) window.enter(each);
  expect(whatBegan()).toEqual(['a', 'b']);
  window.leave(b);
  expect(whatBegan()).toEqual(['c']);
  window.leave(a);
  expect(whatBegan()).toEqual(['d']);
});

it('a small one does not overtake a large one that waits', () => {
  const window = new Window(10, 100);
  const first = place('first', 60);
  window.enter(first);
  window.enter(place('large', 50));
  window.enter(place('small', 1));
  expect(whatBegan()).toEqual(['first']);
  window.leave(first);
  expect(whatBegan()).toEqual(['large', 'small']);
});

it('what is larger than the window has it to itself', () => {
  const window = new Window(10, 100);
  const [small, giant, next] = [place('small'), place('giant', 1_000), place('next')];
  for (const each of [small, giant, next]) window.enter(each);
  expect(whatBegan()).toEqual(['small']);
  window.leave(small);
  expect(whatBegan()).toEqual(['giant']);
  window.leave(giant);
  expect(whatBegan()).toEqual(['next']);
});

it('whoever gives up its place in the line is passed over', () => {
  const window = new Window(1);
  const [a, b, c] = [place('a'), place('b'), place('c')];
  for (const each of [a, b, c]) window.enter(each);
  window.leave(b);
  window.leave(a);
  expect(whatBegan()).toEqual(['a', 'c']);
  window.leave(c);
  expect(window.isCrowded).toBe(false);
});

it('leaving twice makes room once', () => {
  const window = new Window(1);
  const [a, b, c] = [place('a'), place('b'), place('c')];
  for (const each of [a, b, c]) window.enter(each);
  window.leave(a);
  window.leave(a);
  expect(whatBegan()).toEqual(['a', 'b']);
});

it('a long line of those who leave as soon as they begin does not exhaust the stack', () => {
  const window = new Window(1);
  const first = place('first');
  window.enter(first);
  for (let i = 0; i < 50_000; i++) {
    const each = place('each', 1, () => window.leave(each));
    window.enter(each);
  }
  window.leave(first);
  expect(whatBegan()).toHaveLength(50_001);
});

it('tells when nobody is waiting any more', async () => {
  const window = new Window(1);
  const [a, b] = [place('a'), place('b')];
  window.enter(a);
  window.enter(b);
  const uncrowded = window.uncrowded();
  window.leave(a);
  await uncrowded;
  expect(window.isCrowded).toBe(false);
  whatBegan();
});
