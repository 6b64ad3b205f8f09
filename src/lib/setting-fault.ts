/** Describes the fault of a setting for its author. */
import type { z } from 'zod';
import { shortened } from './shortened.ts';

const MAX_SHOWN_CHARS = 60;
const MAX_SHOWN_NAMES = 5;
const MAX_REASON_CHARS = 200;

/** As people write numbers: digits, with a sign or a decimal point. */
export function isPlainNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** `written`: what stands there; left out where that is a secret, or was quoted already. */
export function settingFault(issue: z.core.$ZodIssue, written: unknown): string {
  const wanted = wantedBy(issue);
  return written === undefined ? wanted : `${wanted}, not ${shownSetting(written)}`;
}

function wantedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'number' || issue.expected === 'int') return 'expected a whole number';
      return issue.expected === 'boolean' ? 'expected true or false' : `expected ${issue.expected}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `expected at least ${issue.minimum} characters`
        : `expected at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `expected at most ${issue.maximum} characters`
        : `expected at most ${issue.maximum}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return 'expected true or false';
    case 'invalid_format':
      return issue.format === 'regex' && issue.pattern !== undefined
        ? `expected ${allowedBy(issue.pattern)}`
        : shortened(issue.message, MAX_REASON_CHARS);
    case 'unrecognized_keys':
      return `unknown setting ${unknownNames(issue.keys)}`;
    default:
      return shortened(issue.message, MAX_REASON_CHARS);
  }
}

/** `^[A-Za-z0-9_-]{1,32}$`, said. */
function allowedBy(pattern: string): string {
  const [, marks = '', least = '1', most = ''] = /\[A-Za-z0-9([^\]]*)\]\{(\d+),(\d+)\}/.exec(pattern) ?? [];
  if (most === '') return `texts like ${pattern}`;
  return `${least} to ${most} letters, digits and ${[...marks].join(' ')}`;
}

function unknownNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN_NAMES).map(shownSetting).join(', ');
  return names.length > MAX_SHOWN_NAMES ? `${shown} and ${names.length - MAX_SHOWN_NAMES} others` : shown;
}

/** The value of a setting, as a message quotes it. */
export function shownSetting(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return shortened(text, MAX_SHOWN_CHARS);
}
