import { expect, it } from 'vitest';
import { defined } from '../../src/protocol/defined.ts';

it('fields that are undefined are left out, and all others stay in their order, whatever their value', () => {
  const [reason, note]: (string | undefined)[] = [undefined, ''];
  const fields = defined({ at: 0, reason, note, none: null, no: false });
  expect(JSON.stringify(fields)).toBe('{"at":0,"note":"","none":null,"no":false}');
  expect('reason' in fields).toBe(false);
  const { at }: { readonly at: number; readonly reason?: string } = fields;
  expect(at).toBe(0);
});
