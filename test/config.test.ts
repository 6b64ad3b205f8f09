import { describe, expect, it } from 'vitest';
import { ConfigurationError, CredentialsError } from '../src/lib/errors.ts';
import { configFromEnv, configVariables, parseConfig } from '../src/workers/config.ts';

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = configFromEnv({});
    expect(config.namespace).toBe('converge');
    expect(config.shards).toBe(16);
    expect(config.settings.outcomeRetentionMs).toBe(600_000);
  });

  it('reads every setting from the variable of its name', () => {
    const config = configFromEnv({
      CONVERGE_LEASE_MS: '700',
      CONVERGE_SHARDS: '4',
      CONVERGE_FINAL_RETENTION_COUNT: '12',
      CONVERGE_NATS_URL: 'nats://example:1',
    });
    expect(config).toMatchObject({ leaseMs: 700, shards: 4, natsUrl: 'nats://example:1' });
    expect(config.settings.finalRetentionCount).toBe(12);
  });

  it('refuses a name that it does not know, with a suggestion', () => {
    expect(() => configFromEnv({ CONVERGE_LEASES_MS: '1' })).toThrow(/did you mean CONVERGE_LEASE_MS/);
  });

  it.each([
    ['CONVERGE_SHARDS', 'abc', 'expected a whole number, not "abc"'],
    ['CONVERGE_SHARDS', '0', 'expected at least 1, not "0"'],
    ['CONVERGE_SHARDS', '1.5', 'expected a whole number, not "1.5"'],
    ['CONVERGE_SHARDS', '1e3', 'expected a whole number, not "1e3"'],
    ['CONVERGE_SHARDS', '0x10', 'expected a whole number, not "0x10"'],
    ['CONVERGE_LEASE_MS', 'soon', 'expected a whole number, not "soon"'],
    ['CONVERGE_LEASE_MS', '9999999999', 'expected at most 3600000, not "9999999999"'],
    ['CONVERGE_OUTCOME_RETENTION_MS', 'x', 'expected a whole number, not "x"'],
    ['CONVERGE_OUTCOME_RETENTION_COUNT', '5', 'expected at least 1000, not 5'],
    [
      'CONVERGE_LOG_LEVEL',
      'loud',
      'expected one of trace, debug, info, warn, error, fatal, silent, not "loud"',
    ],
    ['CONVERGE_AUTH', 'maybe', 'expected true or false, not "maybe"'],
    ['CONVERGE_NAMESPACE', 'a b', 'expected 1 to 32 letters, digits and _ -, not "a b"'],
    ['CONVERGE_HTTP_TOKEN', 'short', 'expected at least 16 characters'],
  ])('refuses %s=%s by the name of the variable', (name, value, fault) => {
    expect(() => configFromEnv({ [name]: value })).toThrow(new ConfigurationError(`${name}: ${fault}`));
  });

  it.each(['x'.repeat(100_000), '\ud800'])(
    'an unknown name is told in a line of whole characters, whatever it is',
    (name) => {
      try {
        configFromEnv({ [`CONVERGE_${name}`]: '1' });
        expect.unreachable();
      } catch (error) {
        const message = error instanceof ConfigurationError ? error.message : '';
        expect(message).toContain('is not a setting');
        expect(message.length).toBeLessThan(200);
        expect(message.isWellFormed()).toBe(true);
      }
    },
  );

  it.each([
    ['a whole number', { CONVERGE_SHARDS: `${'9'.repeat(2_000)}x` }],
    ['a number that JavaScript alone would read', { CONVERGE_SHARDS: `${' '.repeat(5_000)}7` }],
    ['the name of a context', { CONVERGE_NATS_CONTEXT: 'c'.repeat(5_000), HOME: '/nowhere' }],
    ['the path of a context', { CONVERGE_NATS_CONTEXT: '/\u{1f600}'.repeat(2_000) }],
    ['a word that is none of those there are', { CONVERGE_LOG_LEVEL: '\u{1f600}'.repeat(2_000) }],
    ['what is quoted with escapes', { CONVERGE_NAMESPACE: '\u0000'.repeat(2_000) }],
  ])('what a setting holds is told in a bounded message of whole characters: %s', (_what, env) => {
    expect(faultOf(() => configFromEnv(env))).toSatisfy(isTellable);
  });

  it('names some of many unknown settings in an object', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`unknown${i}`, 1]));
    const message = faultOf(() => parseConfig(many));
    expect(message).toContain('"unknown0"');
    expect(message).toContain('and 995 others');
    expect(message).toSatisfy(isTellable);
  });

  it.each([['LEASE_MS'], ['SWEEP_EVERY_MS'], ['SHUTDOWN_MS'], ['SNAPSHOT_EVERY_MS']])(
    'refuses a wait that no timer can hold: %s',
    (name) => {
      expect(() => configFromEnv({ [`CONVERGE_${name}`]: '2147483648' })).toThrow(
        `CONVERGE_${name}: expected at most`,
      );
    },
  );

  it('refuses unknown settings in an object', () => {
    expect(() => parseConfig({ leaseMilliseconds: 1 })).toThrow(ConfigurationError);
  });

  it('lets the command line win over the environment', () => {
    expect(configFromEnv({ CONVERGE_SHARDS: '4' }, { shards: 8 }).shards).toBe(8);
  });

  it('leaves variables of others alone', () => {
    expect(() => configFromEnv({ CONVERGE_NO_INSTALL: '1', PATH: '/bin' })).not.toThrow();
  });

  it('says by its exit code that the configuration is bad', () => {
    try {
      configFromEnv({ CONVERGE_SHARDS: 'many' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error instanceof ConfigurationError && error.kind).toBe('configuration');
    }
  });

  it('documents every variable in docs/operations.md', async () => {
    const { readFile } = await import('node:fs/promises');
    const page = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
    const missing = configVariables().filter((name) => !page.includes(name));
    expect(missing).toEqual([]);
  });
});

function isTellable(message: string): boolean {
  return message.length <= 500 && message.isWellFormed() && !message.includes('\ufffd');
}

function faultOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ConfigurationError || error instanceof CredentialsError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
