/** `converge marks`: what was trimmed of the log, shard by shard, and how to say so again when it was lost. */
import type { Command } from 'commander';
import { shardsIn } from '../../bus/layout.ts';
import { forEachShard } from '../../bus/log-origin.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import { MARK_MISSING, type TrimMark } from '../../bus/trim-marks.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { subjects as subjectsOf } from '../../protocol/subjects.ts';
import { renewMarks } from '../../workers/snapshots/renew-marks.ts';
import type { Call, Run } from '../call.ts';
import { callerOf, layoutOf, openJetStream, withNats } from '../nats-connection.ts';
import { aligned } from '../text.ts';

export function addMarks(program: Command, run: Run): void {
  const marks = program
    .command('marks')
    .description('show how far the log of each shard was trimmed')
    .action((_options: object, command: Command) => run(command, show));
  marks
    .command('renew')
    .description(
      'recreate lost trim marks from what the log still holds; only if it is certainly the right log',
    )
    .action((_options: object, command: Command) => run(command, renew));
}

interface Shown {
  readonly shard: number;
  readonly mark: TrimMark | undefined;
}

async function show(call: Call): Promise<number> {
  const config = call.config();
  const found = await withNats(
    config,
    async (connection) => {
      const { shards } = await layoutOf(connection, config);
      const marks = new NatsTrimMarks(await openJetStream(connection), subjectsOf(config.namespace));
      const shown: Shown[] = [];
      await forEachShard(shardsIn(0, 1, shards), async (shard) => {
        shown.push({ shard, mark: (await marks.read(shard)).mark });
      });
      return shown.sort((a, b) => a.shard - b.shard);
    },
    callerOf(config),
  );
  await call.out.data({ marks: found.map(({ shard, mark }) => ({ shard, ...mark })) }, () =>
    aligned(found.map(({ shard, mark }) => [`shard ${shard}`, textOf(mark)])),
  );
  return found.some(({ mark }) => mark === undefined) ? EXIT.failure : EXIT.ok;
}

async function renew(call: Call): Promise<number> {
  const config = call.config();
  const subjects = subjectsOf(config.namespace);
  const found = await withNats(
    config,
    async (connection) => await renewMarks({ jsm: await openJetStream(connection), subjects }),
    callerOf(config),
  );
  await call.out.data({ marks: found }, () =>
    aligned(
      found.map(({ shard, isNew, ...mark }) => [
        `shard ${shard}`,
        textOf(mark),
        isNew ? 'created now' : 'already there',
      ]),
    ),
  );
  return EXIT.ok;
}

function textOf(mark: TrimMark | undefined): string {
  if (mark === undefined) return MARK_MISSING;
  const trimmed = mark.below <= 1 ? 'nothing trimmed' : `trimmed below ${mark.below}`;
  return `${trimmed}, ${mark.marks.length} snapshots noted, log ${mark.log}`;
}
