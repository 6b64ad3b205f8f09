/**
 * Changes to JSON that leave most of it as it was: members that stand there twice, go, change places or names, and values
 * that are replaced by what nobody expects. Works on a tree of texts, because most of what is wanted no object can hold.
 */
import type { Random } from '../../kit/chance/random.ts';
import { nastyJson, nastyText } from './nasty.ts';

type Node = Leaf | List | Members;

interface Leaf {
  readonly kind: 'leaf';
  text: string;
}
interface List {
  readonly kind: 'list';
  readonly items: Node[];
}
interface Members {
  readonly kind: 'members';
  readonly entries: { name: string; value: Node }[];
}

/** The value as JSON after so many changes at random places. */
export function mutatedJson(value: unknown, changes: number, random: Random): string {
  const root: List = { kind: 'list', items: [treeOf(value)] };
  for (let i = 0; i < changes; i++) change(root, random);
  const [first] = root.items;
  return first === undefined ? '' : written(first);
}

function treeOf(value: unknown): Node {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(treeOf) };
  if (typeof value === 'object' && value !== null) {
    return {
      kind: 'members',
      entries: Object.entries(value).flatMap(([name, member]) =>
        member === undefined ? [] : [{ name: JSON.stringify(name), value: treeOf(member) }],
      ),
    };
  }
  return { kind: 'leaf', text: JSON.stringify(value) ?? 'null' };
}

function written(node: Node): string {
  switch (node.kind) {
    case 'leaf':
      return node.text;
    case 'list':
      return `[${node.items.map(written).join(',')}]`;
    case 'members':
      return `{${node.entries.map(({ name, value }) => `${name}:${written(value)}`).join(',')}}`;
  }
}

/** Goes down at random until it stops or can go no further; deep places are as likely as shallow ones. */
function change(root: List, random: Random): void {
  let parent: List | Members = root;
  for (;;) {
    const children: Node[] = childrenOf(parent);
    const at = random.integer(children.length);
    const child: Node | undefined = children[at];
    if (child === undefined || child.kind === 'leaf' || random.chance(0.35)) {
      if (child === undefined) addTo(parent, random);
      else changeAt(parent, at, random);
      return;
    }
    parent = child;
  }
}

function childrenOf(node: List | Members): Node[] {
  return node.kind === 'list' ? node.items : node.entries.map(({ value }) => value);
}

function addTo(parent: List | Members, random: Random): void {
  const value: Node = { kind: 'leaf', text: nastyJson(random) };
  if (parent.kind === 'list') parent.items.push(value);
  else parent.entries.push({ name: JSON.stringify(nastyText(random)), value });
}

function changeAt(parent: List | Members, at: number, random: Random): void {
  const kind = random.integer(10);
  if (parent.kind === 'list') {
    const [item] = parent.items.slice(at, at + 1);
    if (item === undefined) return;
    if (kind < 5) parent.items[at] = replaced(item, random);
    else if (kind < 7) parent.items.splice(at, 1);
    else if (kind < 9) parent.items.splice(at, 0, ...Array<Node>(1 + random.integer(3)).fill(item));
    else addTo(parent, random);
    return;
  }
  const entry = parent.entries[at];
  if (entry === undefined) return;
  const other = parent.entries[random.integer(parent.entries.length)] ?? entry;
  if (kind < 4) entry.value = replaced(entry.value, random);
  else if (kind < 5) parent.entries.splice(at, 1);
  else if (kind < 6) parent.entries.push({ name: entry.name, value: other.value });
  else if (kind < 7) [entry.value, other.value] = [other.value, entry.value];
  else if (kind < 8) entry.name = random.chance(0.5) ? other.name : JSON.stringify(nastyText(random));
  else if (kind < 9) addTo(parent, random);
  else entry.value = { kind: 'list', items: [entry.value] };
}

function replaced(node: Node, random: Random): Node {
  const kind = random.integer(5);
  if (kind === 0 && node.kind === 'leaf') return { kind: 'leaf', text: nudged(node.text, random) };
  if (kind === 1) return { kind: 'list', items: [node] };
  return { kind: 'leaf', text: nastyJson(random) };
}

/** A number one more or less or of another form, a text with something at its end: near the bound that it may lie at. */
function nudged(text: string, random: Random): string {
  const number = Number(text);
  if (text.startsWith('"')) return `${text.slice(0, -1)}${JSON.stringify(nastyText(random)).slice(1)}`;
  if (Number.isNaN(number)) return nastyJson(random);
  return random.pick([
    String(number + 1),
    String(number - 1),
    String(-number),
    `${text}.5`,
    `"${text}"`,
    `${text}0`,
  ]);
}
