/** JWTs of NATS (ADR-14) made by hand: an operator, its accounts and users, as `nsc` would make them. */
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';
import {
  AGENTS_ACCOUNT,
  accountOf,
  type Grantee,
  permissionsOf,
  SYSTEM_ACCOUNT,
  sharedSubjects,
} from '../../src/protocol/permissions.ts';
import { type Subjects, subjects as subjectsOf } from '../../src/protocol/subjects.ts';

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const STREAM_LIMITS = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

interface Claims {
  readonly name: string;
  readonly sub: string;
  readonly exp?: number | undefined;
  readonly nats: object;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function signed(by: KeyPair, claims: Claims): string {
  const header = base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
  const iat = Math.floor(Date.now() / 1_000);
  const body = base64url(
    JSON.stringify({ jti: `${claims.sub}-${iat}`, iat, iss: by.getPublicKey(), ...claims }),
  );
  const signature = Buffer.from(by.sign(Buffer.from(`${header}.${body}`))).toString('base64url');
  return `${header}.${body}.${signature}`;
}

export interface UserOptions {
  /** Seconds since the epoch. */
  readonly exp?: number | undefined;
  /** Nothing about inboxes and subjects in it: permissions are elsewhere, as with scoped signing keys. */
  readonly isWithoutPermissions?: boolean;
}

/** An operator with the two accounts of docs/security.md, and one for the server itself. */
export class JwtOperator {
  readonly #operator = createOperator();
  readonly #system = createAccount();
  readonly #accounts = { [SYSTEM_ACCOUNT]: createAccount(), [AGENTS_ACCOUNT]: createAccount() };
  readonly #subjects: Subjects;
  readonly #shards: number;

  constructor(namespace: string, shards: number) {
    this.#subjects = subjectsOf(namespace);
    this.#shards = shards;
  }

  /** For a server's configuration. */
  config(): string {
    const operator = signed(this.#operator, {
      name: 'test',
      sub: this.#operator.getPublicKey(),
      nats: { type: 'operator', version: 2 },
    });
    const accounts = [
      [this.#system, this.#account('SYS', this.#system, {})],
      [this.#accounts[SYSTEM_ACCOUNT], this.#systemAccount()],
      [this.#accounts[AGENTS_ACCOUNT], this.#agentsAccount()],
    ] as const;
    return [
      // The JWTs of workers and operators are longer than the line in which a client says who it is may be by default.
      'max_control_line: 16384',
      `operator: ${operator}`,
      `system_account: ${this.#system.getPublicKey()}`,
      'resolver: MEMORY',
      'resolver_preload: {',
      ...accounts.map(([pair, jwt]) => `  ${pair.getPublicKey()}: ${jwt}`),
      '}',
    ].join('\n');
  }

  /** The text of a creds file with the permissions that `converge auth show` would list. */
  creds(grantee: Grantee, { exp, isWithoutPermissions = false }: UserOptions = {}): string {
    const user = createUser();
    const { publish, subscribe } = permissionsOf(grantee, this.#subjects);
    const permissions = isWithoutPermissions ? {} : { pub: { allow: publish }, sub: { allow: subscribe } };
    const jwt = signed(this.#accounts[accountOf(grantee)], {
      name: grantee.name,
      sub: user.getPublicKey(),
      exp,
      nats: { ...permissions, ...UNLIMITED, type: 'user', version: 2 },
    });
    const seed = Buffer.from(user.getSeed()).toString();
    return [
      '-----BEGIN NATS USER JWT-----',
      jwt,
      '------END NATS USER JWT------',
      '',
      '************************* IMPORTANT *************************',
      'NKEY Seed printed below can be used to sign and prove identity.',
      'NKEYs are sensitive and should be treated as secrets.',
      '',
      '-----BEGIN USER NKEY SEED-----',
      seed,
      '------END USER NKEY SEED------',
      '',
      '*************************************************************',
      '',
    ].join('\n');
  }

  #account(name: string, pair: KeyPair, nats: object): string {
    const limits = 'streams' in nats ? { ...ACCOUNT_LIMITS, ...STREAM_LIMITS } : ACCOUNT_LIMITS;
    const { streams: _streams, ...others } = { streams: undefined, ...nats };
    return signed(this.#operator, {
      name,
      sub: pair.getPublicKey(),
      nats: { limits, default_permissions: { pub: {}, sub: {} }, ...others, type: 'account', version: 2 },
    });
  }

  #systemAccount(): string {
    const { services, streams } = sharedSubjects(this.#subjects);
    return this.#account(SYSTEM_ACCOUNT, this.#accounts[SYSTEM_ACCOUNT], {
      streams: true,
      exports: [
        ...services.map((subject) => ({ name: subject, subject, type: 'service' })),
        ...streams.map((subject) => ({ name: subject, subject, type: 'stream' })),
      ],
      mappings: this.#mappings(),
    });
  }

  #agentsAccount(): string {
    const { services, streams } = sharedSubjects(this.#subjects);
    const account = this.#accounts[SYSTEM_ACCOUNT].getPublicKey();
    return this.#account(AGENTS_ACCOUNT, this.#accounts[AGENTS_ACCOUNT], {
      imports: [
        ...services.map((subject) => ({ name: subject, subject, account, type: 'service' })),
        ...streams.map((subject) => ({ name: subject, subject, account, type: 'stream' })),
      ],
      mappings: this.#mappings(),
    });
  }

  #mappings(): object {
    const ns = this.#subjects.namespace;
    const subject = `${ns}.decisions.{{partition(${this.#shards},1)}}.{{wildcard(1)}}.{{wildcard(2)}}`;
    return { [`${ns}.decide.*.*`]: [{ subject, weight: 100 }] };
  }
}
