import { describe, expect, it } from 'vitest';
import { configFromEnv, configVariables, parseConfig } from '../src/config.ts';
import { ConfigurationError, EXIT } from '../src/errors.ts';

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

  it('refuses a value that is out of bounds, with the name of the setting', () => {
    expect(() => configFromEnv({ CONVERGE_SHARDS: '0' })).toThrow(/shards/);
    expect(() => configFromEnv({ CONVERGE_LEASE_MS: 'soon' })).toThrow(/leaseMs/);
    expect(() => configFromEnv({ CONVERGE_OUTCOME_RETENTION_MS: 'x' })).toThrow(/outcomeRetentionMs/);
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
    ['LEASE_MS', 'leaseMs'],
    ['SWEEP_EVERY_MS', 'sweepEveryMs'],
    ['SHUTDOWN_MS', 'shutdownMs'],
    ['SNAPSHOT_EVERY_MS', 'snapshotEveryMs'],
  ])('refuses a wait that no timer can hold: %s', (name, setting) => {
    expect(() => configFromEnv({ [`CONVERGE_${name}`]: '2147483648' })).toThrow(setting);
  });

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
      expect(error instanceof ConfigurationError && error.exitCode).toBe(EXIT.configuration);
    }
  });

  it('documents every variable in docs/operations.md', async () => {
    const { readFile } = await import('node:fs/promises');
    const page = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
    const missing = configVariables().filter((name) => !page.includes(name));
    expect(missing).toEqual([]);
  });
});
